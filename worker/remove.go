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
	document, info, err := r.Output.Get(ctx, preset.Area().ManifestKey(r.job.ID), media.MaxManifest)
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
		r.published = *manifest // stays, whatever fails from here on
	case finished.Replaced:
		return false, r.unpublish(ctx, &original)
	case finished.Outdated:
		r.published = *manifest // of an earlier revision, and better than a failed one
		return false, nil
	default:
		return false, r.keep(ctx, manifest, preset) // rendering again repairs it
	}
	published, err := r.isPublished(ctx, preset.Area(), *manifest)
	if err != nil {
		return false, err
	}
	if !published {
		r.published = media.Manifest{}
		return false, nil
	}
	// An earlier job may have ended right after it put the manifest.
	r.untold = r.tell(ctx, *manifest, info.Modified)
	return true, r.tag(ctx, original, manifest.Status)
}

// keep remembers the unfinished manifest of an earlier job, nil for none: if this job fails,
// that one stays.
func (r *run) keep(ctx context.Context, manifest *media.Manifest, preset media.Preset) error {
	if manifest == nil || manifest.Rev != preset.Rev() || len(manifest.Variants) == 0 {
		return nil
	}
	published, err := r.isPublished(ctx, preset.Area(), *manifest)
	if published || err != nil { // in doubt it stays too
		r.published = *manifest
	}
	return err
}

// isPublished reports whether every variant that the manifest names is there.
func (r *run) isPublished(ctx context.Context, area media.Area, manifest media.Manifest) (bool, error) {
	there := make(map[string]bool) // by URL
	for object, err := range r.Output.List(ctx, area.Prefix(manifest.ID)) {
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
// and then from the CDN, which would otherwise fetch it again. Nothing stays in the bucket
// because the CDN refuses. The original that is there now, nil for none, is part of the
// invalidation's reference: a job that meets several originals invalidates once for each,
// and a repeated job does not invalidate again.
func (r *run) unpublish(ctx context.Context, now *bucket.Info) error {
	reference := ""
	if now != nil {
		reference = "-" + strings.Trim(now.ETag, `"`)
	}
	var cached []media.Area
	for _, area := range media.Areas() {
		found, err := r.withdraw(ctx, area, area.Prefix(r.job.ID))
		if err != nil {
			return err
		}
		if area == media.Private && !found && !r.Presets.HavePrivate() {
			continue // each path costs, and this one is in no cache
		}
		cached = append(cached, area)
	}
	for _, area := range cached {
		if err := r.invalidate(ctx, area, reference); err != nil {
			return err
		}
	}
	return nil
}

// invalidateAll makes the CDN forget everything of the upload, because it refused that to an
// earlier delivery. By now another original may be there, under the same URLs.
func (r *run) invalidateAll(ctx context.Context) error {
	for _, area := range media.Areas() {
		if area == media.Private && !r.Presets.HavePrivate() {
			continue
		}
		if err := r.invalidate(ctx, area, ""); err != nil {
			return err
		}
	}
	return nil
}

// hide removes what was published of a private upload while its preset was still
// public.
func (r *run) hide(ctx context.Context) error { return r.retract(ctx, media.Public, "-hide") }

// retract removes what was published in an area, if anything was: an invalidation costs
// money, and CloudFront does few at a time. It invalidates first: if it fails after that, the
// next job finds the objects, and repeats everything. It invalidates again when no cache can
// fetch the objects any more.
func (r *run) retract(ctx context.Context, area media.Area, reference string) error {
	prefix := area.Prefix(r.job.ID)
	for _, err := range r.Output.List(ctx, prefix) {
		if err != nil {
			return err
		}
		if err := r.invalidate(ctx, area, reference); err != nil {
			return err
		}
		if _, err := r.withdraw(ctx, area, prefix); err != nil {
			return err
		}
		return r.invalidate(ctx, area, reference+"-done")
	}
	return nil
}

// invalidate makes the CDN forget an area of the upload. The reference tells apart what
// one event invalidates.
func (r *run) invalidate(ctx context.Context, area media.Area, reference string) error {
	if r.Invalidator == nil {
		return nil
	}
	reference = string(area[:1]) + "-" + string(r.job.ID) + "-" + r.job.Event + reference
	return throttled(r.Invalidator.Invalidate(ctx, reference, media.URL(area.Prefix(r.job.ID))+"*"))
}

// withdraw deletes the manifest in an area and then the variants with the given prefix.
// It reports whether there were any.
func (r *run) withdraw(ctx context.Context, area media.Area, prefix string) (found bool, err error) {
	defer clock(&r.report.publish)()
	if err := r.Output.Delete(ctx, area.ManifestKey(r.job.ID)); err != nil {
		return false, err
	}
	r.etag, r.published, r.told = "", media.Manifest{}, nil
	var keys []string
	for object, err := range r.Output.List(ctx, prefix) {
		if err != nil {
			return false, err
		}
		keys = append(keys, object.Key)
	}
	return len(keys) > 0, r.Output.Delete(ctx, keys...)
}
