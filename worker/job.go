package worker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
	"github.com/presize/presize/worker/renderer"
)

// errReplaced ends the work for an original that is not there any more.
var errReplaced = errors.New("original was replaced or removed meanwhile")

// mayHaveExpired is how old an original is when a lifecycle rule may have taken it
// (deploy/template/buckets.yml: 19 days at least).
const mayHaveExpired = 18 * 24 * time.Hour

// run is a job under way.
type run struct {
	*Worker
	job       Job
	attempt   attempt
	report    *report
	etag      string         // of the manifest as this job has last seen it, "" for none
	published media.Manifest // the one that this job has put last, or has found; without a status if there is none
	private   bool           // the upload is published in media.Private

	label    media.Label     // of the original
	told     map[string]bool // the events that this job has sent, by id
	untold   error           // why the backend has not been told of the last manifest
	deletion []byte          // the event of the upload's deletion, once this job has told anything of it
}

// area is where the upload is published.
func (r *run) area() media.Area {
	if r.private {
		return media.Private
	}
	return media.Public
}

// reconcile brings what is published into agreement with the original.
//
// Nothing locks an original. It can be replaced or removed while this job works, and
// the job of the removal may list objects while this one still puts some. So this job
// looks again at the end, also after an error. If the original has changed, the published
// objects may be of both originals: they are deleted, and the work starts again.
func (r *run) reconcile(ctx context.Context) error {
	if r.job.Invalidate {
		if err := r.invalidateAll(ctx); err != nil {
			return err
		}
	}
	original, err := r.look(ctx)
	if err != nil {
		return err
	}
	if original == nil && r.job.Created && time.Since(r.job.Time) > mayHaveExpired {
		// What was made of an expired original stays. A deletion has an event of its own.
		r.report.outcome = unchanged
		return nil
	}
	if original == nil {
		r.report.outcome = removed
		if err = r.unpublish(ctx, nil); err == nil {
			err = r.tellDeletion(ctx)
		}
	} else {
		err = r.process(ctx, *original)
	}
	now, lookErr := r.look(ctx)
	if now == nil {
		lookErr = errors.Join(lookErr, r.retell(ctx))
	}
	if lookErr != nil {
		return errors.Join(err, lookErr)
	}
	if same(original, now) {
		return err
	}
	if err := r.unpublish(ctx, now); err != nil {
		return err
	}
	return r.reconcile(ctx)
}

// look returns what is known of the original, nil if there is none.
func (r *run) look(ctx context.Context) (*bucket.Info, error) {
	original, err := r.Input.Head(ctx, media.OriginalKey(r.job.ID))
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &original, nil
}

func same(a, b *bucket.Info) bool {
	if a == nil || b == nil {
		return a == b
	}
	return finished.Identity(*a) == finished.Identity(*b)
}

// process publishes an original, or why it is rejected. Where no try is left, it publishes
// that the original has failed.
func (r *run) process(ctx context.Context, original bucket.Info) error {
	preset := r.preset(ctx, original)
	r.label = media.ParseLabel(original.Metadata)
	r.private = preset.Private
	r.report.preset, r.report.bytes = preset.Name, original.Size
	manifest := media.Manifest{
		ID:       r.job.ID,
		Preset:   preset.Name,
		Rev:      preset.Rev(),
		Original: &media.Original{ContentType: media.Format(original.ContentType), Bytes: original.Size},
	}
	err := r.finish(ctx, original, preset, manifest)
	if r.gaveUp(err) {
		err = r.fail(ctx, original, manifest, err)
	}
	if errors.Is(err, errSuperseded) {
		return r.process(ctx, original) // most likely there is nothing left to do
	}
	return errors.Join(err, r.untold)
}

// finish publishes an original, or why it is rejected, unless that is done already.
func (r *run) finish(ctx context.Context, original bucket.Info, preset media.Preset, manifest media.Manifest) error {
	if r.private {
		if err := r.hide(ctx); err != nil {
			return err
		}
	}
	done, err := r.isDone(ctx, original, preset)
	if done || err != nil {
		r.report.outcome = unchanged
		return err
	}
	if r.attempt == over {
		return errOver
	}
	err = r.render(ctx, original, preset, manifest)
	var rejection *media.Rejection
	if errors.As(err, &rejection) {
		return r.reject(ctx, original, manifest, rejection)
	}
	return err
}

// preset returns the preset of an original, and logs an unknown one.
func (r *run) preset(ctx context.Context, original bucket.Info) media.Preset {
	preset, known := finished.Preset(original, r.Presets)
	if !known {
		r.Log.WarnContext(ctx, "unknown preset, the default is used", requestID(ctx), "id", r.job.ID, "preset", original.Metadata[media.PresetMetadata])
	}
	return preset
}

// render fetches, probes, renders and publishes an original. The error is a
// *media.Rejection if the fault is the file's.
func (r *run) render(ctx context.Context, original bucket.Info, preset media.Preset, manifest media.Manifest) error {
	ctx, cancel := withMargin(ctx, margin)
	defer cancel() // ends a rendering that could not be published
	data, err := r.fetch(ctx, original, preset.Within(r.Limits))
	if err != nil {
		return err
	}
	probed, err := r.probe(ctx, data, preset)
	defer probed.Close()
	if probed.Format != "" { // known of some rejected files too; process shares the Original
		manifest.Original.ContentType = probed.Format
		manifest.Original.Width, manifest.Original.Height = probed.Upright.Width, probed.Upright.Height
		if probed.Animated() {
			manifest.Original.Animated, manifest.Original.Frames = true, probed.Frames
		}
	}
	if err != nil {
		return err
	}
	return r.publish(ctx, original, preset, manifest, probed.Render(ctx))
}

// fetch returns the bytes of an original, unless there are too many.
func (r *run) fetch(ctx context.Context, original bucket.Info, limits media.Limits) ([]byte, error) {
	defer clock(&r.report.fetch)()
	if original.Size == 0 {
		return nil, nil // an empty object has no range that could be fetched
	}
	if err := limits.CheckBytes(original.Size); err != nil {
		return nil, err
	}
	if most := r.Renderer.MaxBytes(); original.Size > most {
		beyond, most := media.BytesBeyond(original.Size, most)
		return nil, media.Reject(media.TooManyBytes, "The file has %s; there is memory for at most %s.", beyond, most)
	}
	data, err := r.Input.Fetch(ctx, original)
	if errors.Is(err, bucket.ErrNotFound) || errors.Is(err, bucket.ErrChanged) {
		return nil, fmt.Errorf("%w: %w", errReplaced, err)
	}
	r.report.fetched += int64(len(data))
	return data, err
}

// probe looks at the header of an original, and whether there is the memory for it. What
// was declared does not count: originals are never served.
func (r *run) probe(ctx context.Context, data []byte, preset media.Preset) (*renderer.Original, error) {
	stop := clock(&r.report.probe)
	probed, err := r.Renderer.Probe(ctx, data, r.Limits, preset)
	stop()
	if err != nil {
		return probed, r.unrendered(ctx, fmt.Errorf("probe: %w", err))
	}
	return probed, preset.Check(probed.Format, probed.Upright)
}

// withMargin returns a context that ends that much before ctx, so that there is time for
// what must follow.
func withMargin(ctx context.Context, by time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-by))
}
