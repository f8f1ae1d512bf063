package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/internal/signed"
)

// upload is what is known of an upload.
type upload struct {
	manifest media.Manifest
	changed  time.Time // when S3 stored what was stored last: the original, or the manifest
	area     media.Area
	// held is whether the sender of the request has proved to own the upload. The
	// reference is known only then.
	held      bool
	reference string
}

// uploadStatus is what the API tells of an upload.
type uploadStatus struct {
	media.Manifest
	Reference string         `json:"reference,omitempty"`
	Secret    string         `json:"secret,omitempty"` // where the API has just made it
	Access    *signed.Access `json:"access,omitempty"` // of a private upload
}

// status answers GET /api/v1/uploads/{id}.
func (s *service) status(r *http.Request) (answer, error) {
	id, err := uploadID(r)
	if err != nil {
		return answer{}, err
	}
	var found upload
	look := func(ctx context.Context) (media.Manifest, error) {
		now, err := s.lookUp(ctx, id, senderOf(r))
		if err == nil {
			found = now
		}
		return now.manifest, err
	}
	_, err = look(r.Context())
	if err != nil {
		return answer{}, err
	}
	wait := preferredWait(r.Header)
	waited, err := s.hold(r.Context(), found, wait, look)
	if err != nil {
		return answer{}, err
	}
	status, err := s.describeUpload(found, time.Now())
	if err != nil {
		return answer{}, err
	}
	status.Manifest = status.At(s.site(r.Header))
	a, err := jsonAnswer(http.StatusOK, status)
	if err != nil {
		return answer{}, err
	}
	a.header.Set("Vary", "Authorization, Prefer, "+secretHeader)
	if status.Settled() {
		a.header.Set("Cache-Control", "private, "+media.SettledMaxAge)
	}
	switch {
	case waited:
		a.header.Set("Preference-Applied", fmt.Sprintf("wait=%d", wait/time.Second))
	case wait > 0 && !status.Settled():
		a.header.Set("Retry-After", retryAfter)
		a.counts = append(a.counts, metric.Count("NotHeld"))
	}
	return a, nil
}

// describeUpload returns what is told of an upload. The URLs of a private one are
// signed, as long as there is a signer.
func (s *service) describeUpload(found upload, now time.Time) (uploadStatus, error) {
	status := uploadStatus{Manifest: found.manifest, Reference: found.reference}
	if found.area == media.Public || s.Signer == nil {
		return status, nil
	}
	access, err := s.Signer.Access(found.manifest.ID, now)
	if err != nil {
		return uploadStatus{}, err
	}
	status.Access = &access
	status.Manifest = status.Signed(access.Query)
	return status, nil
}

// delete answers DELETE /api/v1/uploads/{id}. It removes the original only; S3
// tells the worker, which removes the rest.
//
// Only the holder of the secret is told that there is no such upload. Everyone else gets
// the same answer, whether the upload exists or not.
func (s *service) delete(r *http.Request) (answer, error) {
	id, err := uploadID(r)
	if err != nil {
		return answer{}, err
	}
	from := senderOf(r)
	if !from.secret.Opens(id) && from.subject == "" {
		return answer{}, notYours()
	}
	found, err := s.lookUp(r.Context(), id, from)
	var p *problem
	if errors.As(err, &p) && !from.secret.Opens(id) {
		return answer{}, notYours()
	}
	if err != nil {
		return answer{}, err
	}
	if !found.held {
		return answer{}, notYours()
	}
	if err := s.ensureOriginal(r.Context(), id); err != nil {
		return answer{}, err
	}
	if err := s.Input.Delete(r.Context(), media.OriginalKey(id)); err != nil {
		return answer{}, err
	}
	return answer{status: http.StatusAccepted}, nil
}

// ensureOriginal puts an empty original if that of an upload has expired. S3 is documented
// to send an event only if there is an object to remove.
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

// uploadID returns the id in the request's path. No upload has an id that is not valid.
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

func notYours() error {
	return forbidden.problem("This needs the upload's secret, or the token of the upload's owner.")
}

// lookUp returns how far an upload is: its manifest, or else what its original tells. For
// others than its owner, an upload that is private or has an owner does not exist.
func (s *service) lookUp(ctx context.Context, id media.ID, from sender) (upload, error) {
	original, err := s.Input.Head(ctx, media.OriginalKey(id))
	if errors.Is(err, bucket.ErrNotFound) {
		return s.lookUpExpired(ctx, id, from)
	}
	if err != nil {
		return upload{}, err
	}
	label := media.ParseLabel(original.Metadata)
	preset, _ := s.Presets.Of(label)
	found := upload{area: preset.Area(), held: from.holds(id, label.Owner)}
	if found.held {
		found.reference = label.Reference
	} else if label.Owner != "" || found.area == media.Private {
		return upload{}, noSuchUpload()
	}
	found.manifest, found.changed, err = s.manifest(ctx, found.area, id)
	if errors.Is(err, bucket.ErrNotFound) {
		found.changed = original.Modified
		found.manifest = processing(id, label.Preset, media.Format(original.ContentType), original.Size)
		return found, nil
	}
	return found, err
}

// lookUpExpired is lookUp for an upload without an original. Its owner is no longer known,
// so only the secret opens a private one. A public one is on the CDN for everyone.
func (s *service) lookUpExpired(ctx context.Context, id media.ID, from sender) (upload, error) {
	held := from.secret.Opens(id)
	for _, area := range media.Areas() {
		if area == media.Private && !held {
			break
		}
		manifest, changed, err := s.manifest(ctx, area, id)
		if !errors.Is(err, bucket.ErrNotFound) {
			return upload{manifest: manifest, changed: changed, area: area, held: held}, err
		}
	}
	return upload{}, noSuchUpload()
}

// manifest returns the manifest of an upload and when it was stored, or bucket.ErrNotFound.
func (s *service) manifest(ctx context.Context, area media.Area, id media.ID) (media.Manifest, time.Time, error) {
	data, info, err := s.Output.Get(ctx, area.ManifestKey(id), media.MaxManifest)
	if err != nil {
		return media.Manifest{}, time.Time{}, err
	}
	manifest, err := media.ParseManifest(data)
	return manifest, info.Modified, err
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
