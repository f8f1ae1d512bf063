package worker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
	"github.com/presize/presize/worker/renderer"
)

const (
	// putsAtOnce is how many variants are put at a time. A put is mostly waiting for
	// S3; more at once would only bunch up what the encoders deliver over time.
	putsAtOnce = 6

	// cacheVariant: what a variant's URL gives never changes.
	cacheVariant = "public, max-age=31536000, immutable"
	// cacheReady bounds how long readers miss the slow variants, which follow
	// within seconds.
	cacheReady = "public, max-age=5"
	// cacheSettled bounds how long browsers, which no invalidation reaches, miss
	// a removal or a backfill.
	cacheSettled = "public, " + media.SettledMaxAge
)

// errSuperseded ends a job where another one has published more meanwhile.
var errSuperseded = errors.New("another job has published this original")

// conflicts is how often a manifest is put while other jobs put it too.
const conflicts = 5

// rendering is what publish needs of a [renderer.Rendering].
type rendering interface {
	Variants() iter.Seq2[renderer.Variant, error]
	Placeholder() media.Placeholder
}

// publish puts the quick variants and a manifest that is ready with these, then
// the slow ones and the manifest that is complete.
func (r *run) publish(ctx context.Context, original bucket.Info, preset media.Preset, manifest media.Manifest, rendering rendering) error {
	pull, stop := iter.Pull2(rendering.Variants())
	defer stop()
	next, err := r.inspect(ctx, original, preset, *manifest.Original, pull)
	if err != nil {
		return err
	}
	quick := preset.QuickVariants()
	all := preset.Variants(r.job.ID)
	done := make(map[string]media.Variant) // by URL
	for _, count := range []int{quick, len(all)} {
		if err := r.putVariants(ctx, manifest.Rev, next, done, count-len(done)); err != nil {
			return err
		}
		manifest.Status = media.Ready
		manifest.Complete = count == len(all)
		manifest.Placeholder = new(rendering.Placeholder())
		manifest.Variants = inOrder(all, done)
		manifest.Sizes = media.OutputSizes(manifest.Variants, manifest.Original.Animated)
		manifest.Picture = media.Picture(manifest.Variants, manifest.Original.Animated)
		if err := r.putManifest(ctx, original, manifest); err != nil {
			return err
		}
		if count == quick {
			r.report.ready = time.Since(r.report.began)
		}
		if manifest.Complete {
			break // already by the quick variants, where the preset has no others
		}
	}
	r.report.outcome = published
	return r.tag(ctx, original, media.Ready)
}

// putVariants puts the next count variants, as they come, and adds them to done.
//
// When a put fails, the puts beside it are allowed to finish. A put that is cut off can
// still take effect later, after a retry or a removal has listed the objects.
func (r *run) putVariants(ctx context.Context, rev string, next source, done map[string]media.Variant, count int) error {
	var group errgroup.Group
	group.SetLimit(putsAtOnce)
	var renderErr error
	var bytes int64
	for range count {
		variant, err := r.nextVariant(ctx, next)
		if err != nil {
			renderErr = err
			break
		}
		bytes += int64(len(variant.Bytes))
		key := r.area().VariantKey(r.job.ID, rev, variant.Name, variant.Format)
		done[media.URL(key)] = media.Variant{
			Name:        variant.Name,
			ContentType: variant.Format,
			URL:         media.URL(key),
			Width:       variant.Extent.Width,
			Height:      variant.Extent.Height,
			Bytes:       int64(len(variant.Bytes)),
		}
		group.Go(func() error {
			object := bucket.Info{Key: key, ContentType: string(variant.Format), CacheControl: r.cacheControl(cacheVariant)}
			return r.Output.Put(ctx, object, variant.Bytes)
		})
	}
	defer clock(&r.report.publish)()
	if err := group.Wait(); err != nil {
		return errors.Join(renderErr, err)
	}
	r.report.variants += bytes
	return renderErr
}

func (r *run) nextVariant(ctx context.Context, next source) (renderer.Variant, error) {
	stop := clock(&r.report.render)
	variant, err, ok := next()
	stop()
	if !ok {
		err = errors.New("rendering ended before its last variant")
	}
	if err != nil {
		return variant, r.unrendered(ctx, fmt.Errorf("render: %w", err))
	}
	return variant, nil
}

// inOrder returns those of all that are done, in the order of all.
func inOrder(all []media.Variant, done map[string]media.Variant) (variants []media.Variant) {
	for _, v := range all {
		if v, ok := done[v.URL]; ok {
			variants = append(variants, v)
		}
	}
	return variants
}

// cacheControl is how long an object may be cached, and by whom: caches between the
// CDN and the browser must not keep what is private. The CDN itself keeps it all the
// same, by the minimum of its own policy (deploy/template/cdn.yml).
func (r *run) cacheControl(public string) string {
	if r.private {
		return strings.Replace(public, "public", "private", 1)
	}
	return public
}

// putManifest replaces the manifest that this job has last seen. If another job has put one
// meanwhile, that one is replaced too, unless it says more of the same original and
// revision: then putManifest fails with errSuperseded.
func (r *run) putManifest(ctx context.Context, original bucket.Info, manifest media.Manifest) error {
	defer clock(&r.report.publish)()
	document, err := manifest.Encode()
	if err != nil {
		return err
	}
	object := bucket.Info{
		Key:          r.area().ManifestKey(r.job.ID),
		ContentType:  "application/json",
		CacheControl: r.cacheControl(cacheReady),
		Metadata:     map[string]string{finished.MetadataName: finished.Identity(original)},
	}
	if manifest.Settled() {
		object.CacheControl = r.cacheControl(cacheSettled)
	}
	for range conflicts {
		etag, err := r.Output.Replace(ctx, object, document, r.etag)
		if err == nil {
			r.etag, r.published = etag, manifest
			r.untold = r.tell(ctx, manifest, time.Now())
			return nil
		}
		if !errors.Is(err, bucket.ErrChanged) {
			return err
		}
		if err := r.meet(ctx, original, manifest); err != nil {
			return err
		}
	}
	return fmt.Errorf("put manifest: %w %d times", bucket.ErrChanged, conflicts)
}

// meet reads the manifest that another job has put meanwhile. It fails with errSuperseded
// if that one must stay.
func (r *run) meet(ctx context.Context, original bucket.Info, manifest media.Manifest) error {
	document, info, err := r.Output.Get(ctx, r.area().ManifestKey(r.job.ID), media.MaxManifest)
	if errors.Is(err, bucket.ErrNotFound) {
		r.etag = ""
		return nil
	}
	if err != nil {
		return err
	}
	r.etag = info.ETag
	other, err := media.ParseManifest(document)
	if err != nil || info.Metadata[finished.MetadataName] != finished.Identity(original) || other.Rev != manifest.Rev {
		return nil
	}
	final := other.Complete || other.Status == media.Rejected
	if final || other.Status == media.Ready && manifest.Status == media.Failed {
		return errSuperseded
	}
	return nil
}

// fail publishes that an original could not be rendered, and that the fault is not the
// file's. What was published of it stays, and so does the original. It returns the failure,
// so that the event goes to the failure queue: with errFailed if nothing is left to do, and
// without if the backend could not be told.
func (r *run) fail(ctx context.Context, original bucket.Info, manifest media.Manifest, failure error) error {
	if r.published.Status != "" {
		manifest = r.published
	}
	if manifest.Complete || manifest.Status == media.Rejected {
		if errors.Is(failure, errUnrendered) { // an earlier revision has published this
			return fmt.Errorf("%w: %w", errFailed, failure)
		}
		return failure // only what comes after the last manifest has failed
	}
	manifest.Status = media.Failed
	manifest.Failure = &media.Failure{
		Detail: "The image could not be processed. The fault is ours, not the file's. The file is kept, and can be tried again.",
	}
	err := r.putManifest(ctx, original, manifest)
	if errors.Is(err, errSuperseded) {
		return failure // the other job may still succeed
	}
	if err != nil {
		return errors.Join(failure, err)
	}
	r.report.failedUpload = true
	if r.untold != nil {
		return failure
	}
	return fmt.Errorf("%w: %w", errFailed, failure)
}

// reject publishes why a file is rejected. Variants that were published before the decoder
// found the damage are deleted first. If the app refuses the upload, everything is deleted,
// also what earlier revisions published.
func (r *run) reject(ctx context.Context, original bucket.Info, manifest media.Manifest, rejection *media.Rejection) error {
	if rejection.Code == media.Refused {
		for _, area := range media.Areas() {
			if err := r.retract(ctx, area, "-refuse"); err != nil {
				return err
			}
		}
	} else if _, err := r.withdraw(ctx, r.area(), r.area().Prefix(r.job.ID)+manifest.Rev+"/"); err != nil {
		return err
	}
	manifest.Status = media.Rejected
	manifest.Rejection = rejection
	if err := r.putManifest(ctx, original, manifest); err != nil {
		return err
	}
	r.report.outcome, r.report.code, r.report.cause = rejected, rejection.Code, rejection.Cause
	return r.tag(ctx, original, media.Rejected)
}

// tag tags an original that is rejected, so that a lifecycle rule expires it. It takes the
// tag back from an original that only an earlier revision has rejected. Most originals have
// no tags and need none, which costs no request.
//
// Neither tags nor expirations are events that the worker gets or acts on. So what
// is published outlives an original that expires, and the rejection can still be read.
func (r *run) tag(ctx context.Context, original bucket.Info, status media.Status) error {
	if status != media.Rejected && !original.Tagged {
		return nil
	}
	tags, err := r.Input.Tags(ctx, original.Key)
	if err == nil {
		tag := strconv.FormatBool(status == media.Rejected)
		if tags[media.RejectedTag] == tag || status != media.Rejected && tags[media.RejectedTag] == "" {
			return nil
		}
		tags[media.RejectedTag] = tag // others may have tagged it too, a virus scanner for one
		err = r.Input.SetTags(ctx, original.Key, tags)
	}
	if errors.Is(err, bucket.ErrNotFound) {
		return fmt.Errorf("%w: %w", errReplaced, err)
	}
	return err
}
