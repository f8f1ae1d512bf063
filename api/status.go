package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// status answers GET /api/v1/uploads/{id}.
func (s *service) status(r *http.Request) (answer, error) {
	id, err := uploadID(r)
	if err != nil {
		return answer{}, err
	}
	look := func(ctx context.Context) (media.Manifest, error) { return s.lookUp(ctx, id) }
	manifest, err := look(r.Context())
	if err != nil {
		return answer{}, err
	}
	wait := preferredWait(r.Header)
	if wait > 0 {
		if manifest, err = awaitChange(r.Context(), manifest, wait, look); err != nil {
			return answer{}, err
		}
	}
	a, err := jsonAnswer(http.StatusOK, manifest)
	if err != nil {
		return answer{}, err
	}
	if manifest.Settled() {
		a.header.Set("Cache-Control", "private, "+media.SettledMaxAge)
	}
	if wait > 0 {
		a.header.Set("Preference-Applied", fmt.Sprintf("wait=%d", wait/time.Second))
	}
	return a, nil
}

// delete answers DELETE /api/v1/uploads/{id}. It removes the original only; S3
// tells the worker, which removes the rest.
func (s *service) delete(r *http.Request) (answer, error) {
	id, err := uploadID(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := s.lookUp(r.Context(), id); err != nil {
		return answer{}, err
	}
	if err := s.ensureOriginal(r.Context(), id); err != nil {
		return answer{}, err
	}
	if err := s.Input.Delete(r.Context(), media.OriginalKey(id)); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted}, nil
}

// ensureOriginal puts an empty original where that of an upload has expired: that S3
// tells of a removal is documented only where there is something to remove.
func (s *service) ensureOriginal(ctx context.Context, id media.ID) error {
	key := media.OriginalKey(id)
	if _, err := s.Input.Head(ctx, key); !errors.Is(err, bucket.ErrNotFound) {
		return err
	}
	object := bucket.Info{Key: key, ContentType: "application/octet-stream"}
	if err := s.Input.Create(ctx, object, nil); !errors.Is(err, bucket.ErrExists) {
		return err
	}
	return nil // somebody still had a grant
}

// uploadID returns the id in the request's path. What is not an id was never
// given to anyone, so there is no upload of that name.
func uploadID(r *http.Request) (media.ID, error) {
	id, err := media.ParseID(r.PathValue("id"))
	if err != nil {
		return "", noSuchUpload()
	}
	return id, nil
}

func noSuchUpload() error {
	return uploadNotFound.problem("Nothing has been uploaded under this id yet, or it was deleted.")
}

// lookUp returns how far an upload is: its manifest, or else what its original
// tells.
func (s *service) lookUp(ctx context.Context, id media.ID) (media.Manifest, error) {
	data, _, err := s.Output.Get(ctx, media.ManifestKey(id), media.MaxManifest)
	if err == nil {
		return media.ParseManifest(data)
	}
	if !errors.Is(err, bucket.ErrNotFound) {
		return media.Manifest{}, err
	}
	original, err := s.Input.Head(ctx, media.OriginalKey(id))
	if errors.Is(err, bucket.ErrNotFound) {
		return media.Manifest{}, noSuchUpload()
	}
	if err != nil {
		return media.Manifest{}, err
	}
	manifest := processing(id, original.Metadata[media.PresetMetadata], media.Format(original.ContentType), original.Size)
	if time.Since(original.Modified) > s.RetryBudget {
		manifest.Status = media.Failed
	}
	return manifest, nil
}

// processing is the status of an upload of which there is only the original.
func processing(id media.ID, preset string, format media.Format, bytes int64) media.Manifest {
	return media.Manifest{
		ID:       id,
		Status:   media.Processing,
		Preset:   preset,
		Original: &media.Original{ContentType: format, Bytes: bytes},
	}
}
