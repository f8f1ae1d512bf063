package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/worker/finished"
)

// Recover queues what an earlier process left unfinished: an ObjectCreated event
// for every original that needs a job, and an ObjectRemoved event for everything
// published whose original is gone. It deletes the failure records of uploads that
// are finished or gone.
//
// What is outdated is left to a backfill: a changed preset makes every original
// outdated, and on AWS a deployment renders none of them again either.
//
// Events may come in meanwhile. At worst one of them is repeated.
func (q *Queue) Recover(ctx context.Context, uploads finished.Uploads) error {
	if err := q.recover(ctx, uploads); err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	return nil
}

func (q *Queue) recover(ctx context.Context, uploads finished.Uploads) error {
	input, outdated := uploads.Input.Name(), 0
	published, err := publishedIDs(ctx, uploads.Output)
	if err != nil {
		return err
	}
	if err := q.forgetRecovered(ctx, uploads, published); err != nil {
		return err
	}
	for original, err := range uploads.Input.List(ctx, media.OriginalPrefix) {
		if err != nil {
			return err
		}
		id, ok := media.ParseOriginalKey(original.Key)
		if !ok {
			continue
		}
		delete(published, id)
		upload, err := uploads.Look(ctx, id)
		switch {
		case errors.Is(err, bucket.ErrNotFound): // removed since the listing, of which there is an event
		case err != nil:
			return err
		case upload.State == finished.Finished:
		case upload.State == finished.Outdated:
			outdated++
		default:
			q.config.Log.Info("unfinished upload found", "id", id)
			q.Send(s3local.NewEvent("ObjectCreated:Put", input, original.Key, original.Size, original.ETag))
		}
	}
	if outdated > 0 {
		q.config.Log.Info("uploads of an earlier revision found: presize backfill --local renders them again", "count", outdated)
	}
	// Listed before the originals, so the originals of what is left are gone.
	for id := range published {
		q.config.Log.Info("unfinished removal found", "id", id)
		q.Send(s3local.NewEvent("ObjectRemoved:Delete", input, media.OriginalKey(id), 0, ""))
	}
	return nil
}

// forgetRecovered deletes the failure records of uploads that are finished, and of
// those of which nothing is left.
func (q *Queue) forgetRecovered(ctx context.Context, uploads finished.Uploads, published map[media.ID]bool) error {
	for _, object := range q.failures.objects() {
		key, ok := strings.CutPrefix(object, uploads.Input.Name()+"/")
		id, isOriginal := media.ParseOriginalKey(key)
		if !ok || !isOriginal {
			continue
		}
		upload, err := uploads.Look(ctx, id)
		gone := errors.Is(err, bucket.ErrNotFound)
		if err != nil && !gone {
			return err
		}
		if gone && !published[id] || upload.State == finished.Finished {
			q.failures.forget(object)
		}
	}
	return nil
}

// publishedIDs returns every id under which there is anything in the output bucket.
func publishedIDs(ctx context.Context, output *bucket.Bucket) (map[media.ID]bool, error) {
	ids := make(map[media.ID]bool)
	for object, err := range output.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		if _, id, _, ok := media.ParseImageKey(object.Key); ok {
			ids[id] = true
		}
	}
	return ids, nil
}
