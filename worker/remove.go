package worker

import (
	"context"
	"errors"
	"strings"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

// isDone reports whether a manifest says that the original is finished, and is
// right: a manifest whose variants are not all there is as good as none.
//
// What was published for another original under the same id is removed: its
// variants would have the same keys.
func (r *run) isDone(ctx context.Context, original bucket.Info, preset media.Preset) (bool, error) {
	document, info, err := r.Output.Get(ctx, media.ManifestKey(r.job.ID), media.MaxManifest)
	if errors.Is(err, bucket.ErrNotFound) {
		r.etag = ""
		return false, nil
	}
	if err != nil {
		return false, err
	}
	r.etag = info.ETag
	state, manifest := finished.Judge(original, preset, document, info)
	switch state {
	case finished.Finished:
	case finished.Replaced:
		return false, r.unpublish(ctx, &original)
	default:
		return false, nil // rendering again repairs it
	}
	if published, err := r.isPublished(ctx, *manifest); !published || err != nil {
		return false, err
	}
	return true, r.tag(ctx, original, manifest.Status) // where an earlier job came no further than its manifest
}

// isPublished reports whether every variant that the manifest names is there.
func (r *run) isPublished(ctx context.Context, manifest media.Manifest) (bool, error) {
	there := make(map[string]bool) // by URL
	for object, err := range r.Output.List(ctx, media.ImagePrefix(manifest.ID)) {
		if err != nil {
			return false, err
		}
		there[media.URL(object.Key)] = true
	}
	for _, variant := range manifest.Variants {
		if !there[variant.URL] {
			return false, nil
		}
	}
	return true, nil
}

// unpublish removes everything that was published for the upload, from the bucket
// and then from the CDN, which would otherwise fetch it again. It does so in favour
// of the original that is there now, nil if there is none. A job that meets several
// in turn has something new to invalidate for each, a repeated job has not.
func (r *run) unpublish(ctx context.Context, now *bucket.Info) error {
	prefix := media.ImagePrefix(r.job.ID)
	if err := r.withdraw(ctx, prefix); err != nil {
		return err
	}
	if r.Invalidator == nil {
		return nil
	}
	reference := string(r.job.ID) + "-" + r.job.Event
	if now != nil {
		reference += "-" + strings.Trim(now.ETag, `"`)
	}
	return r.Invalidator.Invalidate(ctx, reference, media.URL(prefix)+"*")
}

// withdraw deletes the manifest and then the variants with the given prefix.
func (r *run) withdraw(ctx context.Context, prefix string) error {
	defer clock(&r.report.publish)()
	if err := r.Output.Delete(ctx, media.ManifestKey(r.job.ID)); err != nil {
		return err
	}
	r.etag, r.published = "", media.Manifest{}
	var keys []string
	for object, err := range r.Output.List(ctx, prefix) {
		if err != nil {
			return err
		}
		keys = append(keys, object.Key)
	}
	return r.Output.Delete(ctx, keys...)
}
