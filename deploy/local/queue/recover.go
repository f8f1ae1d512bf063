package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
)

// Recover queues what an earlier process left unfinished: an ObjectCreated event
// for every original whose manifest is not final, and an ObjectRemoved event for
// everything published whose original is gone. The events name the input bucket
// inputName.
//
// Events may come in meanwhile. At worst one of them is repeated.
func (q *Queue) Recover(ctx context.Context, inputName string, input, output *bucket.Bucket) error {
	published, err := publishedIDs(ctx, output)
	if err != nil {
		return fmt.Errorf("recover: %w", err)
	}
	for original, err := range input.List(ctx, media.OriginalPrefix) {
		if err != nil {
			return fmt.Errorf("recover: %w", err)
		}
		id, ok := media.ParseOriginalKey(original.Key)
		if !ok {
			continue
		}
		delete(published, id)
		final, err := isFinal(ctx, output, id)
		if err != nil {
			return fmt.Errorf("recover: %w", err)
		}
		if !final {
			q.config.Log.Info("unfinished upload found", "id", id)
			q.Send(s3local.NewEvent("ObjectCreated:Put", inputName, original.Key, original.Size, original.ETag))
		}
	}
	// Listed before the originals, so what is left has lost its original for good.
	for id := range published {
		q.config.Log.Info("unfinished removal found", "id", id)
		q.Send(s3local.NewEvent("ObjectRemoved:Delete", inputName, media.OriginalKey(id), 0, ""))
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
		_, rest, _ := strings.Cut(object.Key, "/")
		name, _, _ := strings.Cut(rest, "/")
		id, err := media.ParseID(name)
		if err == nil && strings.HasPrefix(object.Key, media.ImagePrefix(id)) {
			ids[id] = true
		}
	}
	return ids, nil
}

// isFinal reports whether the worker has nothing more to do for id. A manifest
// that can't be read is as good as none.
func isFinal(ctx context.Context, output *bucket.Bucket, id media.ID) (bool, error) {
	data, _, err := output.Get(ctx, media.ManifestKey(id), media.MaxManifest)
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	manifest, err := media.ParseManifest(data)
	return err == nil && (manifest.Complete || manifest.Status == media.Rejected), nil
}
