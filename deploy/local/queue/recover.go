package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/worker/finished"
)

// Recover queues what an earlier process has left without an event: an ObjectCreated
// event for every original that needs a job, and an ObjectRemoved event for everything
// published whose original is gone. Where an object has a message in the queue or in its
// dead-letter queue, that is left to it.
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
	input, outdated, queued := uploads.Input.Name(), 0, q.objects()
	published, err := publishedIDs(ctx, uploads.Output)
	if err != nil {
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
		if queued[input+"/"+original.Key] {
			continue
		}
		upload, err := uploads.Look(ctx, id)
		switch {
		case errors.Is(err, bucket.ErrNotFound): // removed since the listing, of which there is an event
		case err != nil:
			return err
		case upload.State == finished.Finished:
		case upload.State == finished.Outdated:
			outdated++
		default:
			q.Log.Info("unfinished upload found", "id", id)
			if err := q.SendEvent(s3local.NewEvent("ObjectCreated:Put", input, original.Key, original.Size, original.ETag)); err != nil {
				return err
			}
		}
	}
	if outdated > 0 {
		q.Log.Info("uploads of an earlier revision found: presize backfill --local renders them again", "count", outdated)
	}
	// Listed before the originals, so the originals of what is left are gone.
	for id := range published {
		if queued[input+"/"+media.OriginalKey(id)] {
			continue
		}
		q.Log.Info("unfinished removal found", "id", id)
		if err := q.SendEvent(s3local.NewEvent("ObjectRemoved:Delete", input, media.OriginalKey(id), 0, "")); err != nil {
			return err
		}
	}
	return nil
}

// SendEvent sends an event of S3.
func (q *Queue) SendEvent(event events.S3Event) error {
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	_, err = q.Add(string(body), 0)
	return err
}

// objects returns the objects that there are messages about, as bucket/key.
func (q *Queue) objects() map[string]bool {
	objects := make(map[string]bool)
	messages := q.All()
	if q.DeadLetters != nil {
		messages = append(messages, q.DeadLetters.All()...)
	}
	for _, m := range messages {
		var e events.S3Event
		if json.Unmarshal([]byte(m.Body), &e) != nil {
			continue // not for this queue to judge
		}
		for _, record := range e.Records {
			objects[record.S3.Bucket.Name+"/"+record.S3.Object.URLDecodedKey] = true
		}
	}
	return objects
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
