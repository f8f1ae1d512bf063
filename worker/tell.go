package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// Notifier tells the backend what has become true of an upload, as eventbus.EventBridge
// does. It returns no error only if all events are stored where they are delivered from.
//
// The worker calls it after the manifest that the events are about is stored, or after
// everything is deleted, and before its job ends. Where the call fails, the job fails and
// is tried again, and the job of a repeated event repeats the call: the same events come
// several times, with the same ids, and in any order. Events of a state that an upload had
// for a moment only, before its original was replaced or deleted, may be missing.
type Notifier interface {
	Notify(ctx context.Context, events ...media.Event) error
}

// tell tells the backend everything that a manifest makes true, but for what this job has
// told already. The time is when the manifest was stored.
//
// Before the first event, it stores the one that will tell of the upload's deletion: when
// the original is gone, nothing else knows its owner. Of an upload that has no such object
// the backend was told nothing, so that it need not be told of a deletion either.
func (r *run) tell(ctx context.Context, manifest media.Manifest, at time.Time) error {
	if r.Notifier == nil {
		return nil
	}
	events := slices.DeleteFunc(manifest.Events(r.label, r.area(), at), func(e media.Event) bool { return r.told[e.Data.EventID] })
	if len(events) == 0 {
		return nil
	}
	if r.told == nil {
		document, err := events[0].Deletion().Encode()
		if err != nil {
			return err
		}
		if err := r.putTold(ctx, document); err != nil {
			return err
		}
		r.told, r.deletion = make(map[string]bool), document
	}
	if err := r.notify(ctx, events...); err != nil {
		return err
	}
	for _, event := range events {
		r.told[event.Data.EventID] = true
	}
	return nil
}

// retell puts the event of the upload's deletion again, if this job has told anything of
// it. The job of the removal may have told the deletion and deleted that event before this
// job has sent its own, and the deletion must be told after all else.
func (r *run) retell(ctx context.Context) error {
	if r.deletion == nil {
		return nil
	}
	return r.putTold(ctx, r.deletion)
}

func (r *run) putTold(ctx context.Context, document []byte) error {
	return r.Output.Put(ctx, bucket.Info{Key: media.ToldKey(r.job.ID), ContentType: "application/json"}, document)
}

// tellDeletion tells the backend that nothing of the upload is left, if it was told
// anything before.
func (r *run) tellDeletion(ctx context.Context) error {
	if r.Notifier == nil {
		return nil
	}
	document, _, err := r.Output.Get(ctx, media.ToldKey(r.job.ID), media.MaxEvent)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	event, err := media.ParseEvent(document)
	if err != nil {
		return err
	}
	event.Timestamp = time.Now().UTC().Truncate(time.Second)
	if err := r.notify(ctx, event); err != nil {
		return err
	}
	r.deletion = nil
	return r.Output.Delete(ctx, media.ToldKey(r.job.ID))
}

func (r *run) notify(ctx context.Context, events ...media.Event) error {
	if err := r.Notifier.Notify(ctx, events...); err != nil {
		return fmt.Errorf("tell the backend: %w", err)
	}
	return nil
}
