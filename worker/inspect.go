package worker

import (
	"context"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/inspection"
	"github.com/presize/presize/worker/renderer"
)

// Inspector asks the app whether an upload may be published, as inspection.Lambda does.
// It returns nil if so, and a *media.Rejection if not. Any other error is a failure of the
// job: without an answer nothing is published.
type Inspector interface {
	Inspect(ctx context.Context, upload inspection.Upload) error
}

// source gives the next variant of a rendering, as iter.Pull2 does.
type source func() (renderer.Variant, error, bool)

// inspect asks the app about the upload as soon as there is a JPEG of it. It holds back
// the quick variants, which are encoded meanwhile, until the app has accepted, and then
// returns them and all others as a source.
func (r *run) inspect(ctx context.Context, original bucket.Info, preset media.Preset, probed media.Original, next source) (source, error) {
	if r.Inspector == nil {
		return next, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the question where the rendering fails
	verdict := make(chan error, 1)
	shown := preset.Inspected().Name()
	var held []renderer.Variant
	for range preset.QuickVariants() {
		variant, err := r.nextVariant(ctx, next)
		if err != nil {
			return nil, err
		}
		held = append(held, variant)
		if variant.Format == media.JPEG && variant.Name == shown {
			go func() { verdict <- r.Inspector.Inspect(ctx, r.question(original, preset, probed, variant.Bytes)) }()
		}
	}
	if err := <-verdict; err != nil {
		return nil, err
	}
	return func() (variant renderer.Variant, err error, ok bool) {
		if len(held) == 0 {
			return next()
		}
		variant, held = held[0], held[1:]
		return variant, nil, true
	}, nil
}

func (r *run) question(original bucket.Info, preset media.Preset, probed media.Original, image []byte) inspection.Upload {
	if len(image) > inspection.MaxImage {
		image = nil // the app can read the original
	}
	return inspection.Upload{
		ID:        r.job.ID,
		Preset:    preset.Name,
		Owner:     r.label.Owner,
		Reference: r.label.Reference,
		Original:  probed,
		Bucket:    r.job.Bucket,
		Key:       original.Key,
		Image:     image,
	}
}
