package main

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

// atOnce is how many originals are looked at together. A look takes two requests.
const atOnce = 16

// backfill queues originals for the worker.
type backfill struct {
	service
	all, dryRun bool
	limit       *rate.Limiter
	checkpoint  *checkpoint       // nil for a dry run
	listed      func(entry) error // is called with what a dry run finds
	progress    progress
}

// entry is an original that a backfill would queue.
type entry struct {
	ID    media.ID       `json:"id"`
	State finished.State `json:"state,omitempty"` // not looked at with --all
}

// outcome says how the backfill of one original ended.
type outcome struct {
	key      string
	entry    entry
	gone     bool
	finished bool
	err      error
}

func (b *backfill) counts() counts {
	if b.checkpoint == nil {
		return counts{DryRun: b.dryRun}
	}
	return b.checkpoint.Counts
}

// run goes through the originals behind the checkpoint. Each gets a place in a queue,
// in the order of the keys, and is dealt with beside the others. What is taken from
// the front of the queue is done, and so is everything before it: that is the
// checkpoint. The queue bounds how many are under way, and with that the memory.
func (b *backfill) run(ctx context.Context) (counts, error) {
	group, ctx := errgroup.WithContext(ctx)
	queue := make(chan chan outcome, atOnce)
	group.Go(func() error {
		defer close(queue)
		for original, err := range b.Input.ListAfter(ctx, media.OriginalPrefix, b.counts().Key) {
			if err != nil {
				return err
			}
			id, ok := media.ParseOriginalKey(original.Key)
			if !ok {
				continue // no grant was ever given for it
			}
			done := make(chan outcome, 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return ctx.Err()
			}
			group.Go(func() error {
				done <- b.do(ctx, id, original)
				return nil
			})
		}
		return nil
	})
	now := b.counts()
	group.Go(func() error {
		for done := range queue {
			o := <-done
			if o.err != nil {
				return o.err
			}
			if err := b.settle(&now, o); err != nil {
				return err
			}
		}
		return nil
	})
	err := group.Wait()
	if b.checkpoint != nil {
		err = errors.Join(err, b.checkpoint.end(err == nil))
	}
	now.Key = ""
	return now, err
}

// settle counts an original, all before which are settled.
func (b *backfill) settle(now *counts, o outcome) error {
	now.Key = o.key
	now.Seen++
	switch {
	case o.gone:
		now.Gone++
	case o.finished:
		now.Finished++
	default:
		now.Queued++
		if b.dryRun {
			if err := b.listed(o.entry); err != nil {
				return err
			}
		}
	}
	b.progress.show(position(now.Key), now.String())
	if b.checkpoint == nil {
		return nil
	}
	return b.checkpoint.advance(*now)
}

// do queues an original if that is needed.
func (b *backfill) do(ctx context.Context, id media.ID, original bucket.Info) outcome {
	o := outcome{key: original.Key, entry: entry{ID: id}}
	if !b.all {
		upload, err := b.Look(ctx, id)
		o.entry.State = upload.State
		o.gone, o.finished = errors.Is(err, bucket.ErrNotFound), upload.State == finished.Finished
		if o.gone || o.finished {
			return o
		}
		if err != nil {
			o.err = err
			return o
		}
	}
	if !b.dryRun {
		o.err = b.send(ctx, original)
	}
	return o
}

// send sends the event that S3 sends when an original is put. It returns when the queue
// has it, so that the worker will get it at least once.
func (b *backfill) send(ctx context.Context, original bucket.Info) error {
	if err := b.limit.Wait(ctx); err != nil {
		return err
	}
	return b.queueEvent(ctx, "ObjectCreated:Put", original)
}
