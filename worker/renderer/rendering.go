package renderer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/presize/presize/internal/media"
)

// Rendering is an original on its way to its variants.
type Rendering struct {
	original    *Original
	ctx         context.Context
	quick       int              // quick variants that are still to come
	missing     map[variant]bool // what is still to come
	placeholder media.Placeholder
	stopped     bool // nothing more is to be yielded
}

// variant names a variant within its preset.
type variant struct {
	name   string
	format media.Format
}

// errStopped ends a rendering whose variants nobody wants any more.
var errStopped = errors.New("rendering stopped")

// Render returns the rendering of an original. It starts when its variants are asked
// for, and ends with ctx.
func (o *Original) Render(ctx context.Context) *Rendering {
	r := &Rendering{original: o, ctx: ctx, missing: make(map[variant]bool)}
	for _, encoder := range o.request.Preset.Encoders {
		for _, size := range o.request.Preset.Sizes {
			r.missing[variant{size.Name(), encoder.Format}] = true
			if encoder.Quick() {
				r.quick++
			}
		}
	}
	return r
}

// Placeholder is known as soon as the last quick variant has been yielded.
func (r *Rendering) Placeholder() media.Placeholder { return r.placeholder }

// Variants yields every variant of the preset once, as soon as it is encoded, the
// quick formats (see [media.Encoder.Quick]) before the others. It can be read once.
// After an error nothing follows; the error is a *media.Rejection where the file
// turns out to be broken, and a *[Failure] where the fault is ours.
func (r *Rendering) Variants() iter.Seq2[Variant, error] {
	return func(yield func(Variant, error) bool) {
		defer r.original.Close()
		for {
			err := r.attempt(yield)
			if err == nil {
				return
			}
			if r.stopped {
				r.original.discard() // it is in the middle of its answers
				return
			}
			var rejection *media.Rejection
			if !errors.As(err, &rejection) {
				if err = r.original.note(r.ctx, err); err == nil {
					err = r.original.open(r.ctx)
				}
				if err == nil {
					continue
				}
			}
			yield(Variant{}, err)
			return
		}
	}
}

// attempt lets the original's process render, and yields what has not been yielded
// before: every attempt gives the same bytes, in an order of its own.
func (r *Rendering) attempt(yield func(Variant, error) bool) error {
	p := r.original.process
	if p == nil {
		return errors.New("the original is closed")
	}
	err := p.render(r.ctx, r.taker(func(v Variant) error {
		if yield(v, nil) {
			return nil
		}
		r.stopped = true
		if len(r.missing) == 0 {
			return nil // only the end is still to come
		}
		return errStopped
	}))
	if err == nil && len(r.missing) > 0 {
		return fmt.Errorf("%w: an end with %d variants missing", errGarbage, len(r.missing))
	}
	return err
}

// taker returns what takes the variants of one attempt, and hands new ones on.
func (r *Rendering) taker(next func(Variant) error) func(Variant) error {
	seen := make(map[variant]bool)
	quick := r.original.request.Preset.QuickVariants() // of this attempt that are still to come
	var last *Variant                                  // the last quick one that is missing, until the placeholder has come
	hand := func(v Variant) error {
		if isQuick(v) {
			r.quick--
		}
		delete(r.missing, variant{v.Name, v.Format})
		return next(v)
	}
	return func(v Variant) error {
		name := variant{v.Name, v.Format}
		if seen[name] || !r.wants(name) {
			return fmt.Errorf("%w: variant %v", errGarbage, name)
		}
		seen[name] = true
		switch {
		case !isQuick(v) && quick > 0:
			return fmt.Errorf("%w: %v before the last quick variant", errGarbage, name)
		case isQuick(v):
			quick--
		}
		if quick == 0 && isQuick(v) {
			if v.Placeholder == nil {
				return fmt.Errorf("%w: no placeholder", errGarbage)
			}
			r.placeholder = *v.Placeholder
			if last != nil {
				return hand(*last) // and so this one is not missing
			}
		}
		switch {
		case !r.missing[name]:
			return nil
		case isQuick(v) && r.quick == 1 && quick > 0:
			last = &v
			return nil
		}
		return hand(v)
	}
}

// wants reports whether a variant is one of the preset.
func (r *Rendering) wants(v variant) bool {
	preset := r.original.request.Preset
	return slices.ContainsFunc(preset.Encoders, func(e media.Encoder) bool { return e.Format == v.format }) &&
		slices.ContainsFunc(preset.Sizes, func(s media.Size) bool { return s.Name() == v.name })
}

func isQuick(v Variant) bool { return media.Encoder{Format: v.Format}.Quick() }
