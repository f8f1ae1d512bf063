package vips

// #include "bridge.h"
import "C"

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"slices"
	"sync"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// Variant is one encoded output image.
type Variant struct {
	Name   string
	Format media.Format
	Extent media.Extent
	Bytes  []byte
}

// Rendering is an original on its way to its variants.
type Rendering struct {
	original    *Original
	preset      media.Preset
	background  bimg.Color
	placeholder media.Placeholder
	watermark   *watermark // nil for none
	schedule    *schedule
	outputs     chan output

	mu     sync.Mutex
	images []*image  // everything to be freed at the end
	quick  int       // quick variants that are still to come
	held   []Variant // slow variants that were faster than the last quick one
}

type output struct {
	variant Variant
	err     error
}

// Render starts to render an original that [Probe] has accepted. Its goroutines
// end by themselves when the last variant is encoded, or soon after ctx is done.
func (o *Original) Render(ctx context.Context, preset media.Preset) *Rendering {
	r := &Rendering{
		original:   o,
		preset:     preset,
		background: parseColor(preset.Background),
		schedule:   newSchedule(),
		quick:      preset.QuickVariants(),
	}
	// With room for everything and an error, no sender ever waits for a reader.
	r.outputs = make(chan output, len(preset.Sizes)*len(preset.Encoders)+1)
	go func() {
		defer close(r.outputs)
		if err := r.run(ctx); err != nil {
			r.outputs <- output{err: err}
		}
	}()
	return r
}

// Variants yields every variant of the preset as soon as it is encoded, the
// quick formats (see [media.Encoder.Quick]) before the others. It can be read
// once. After an error nothing follows; the error is a *media.Rejection where the
// file turns out to be broken.
func (r *Rendering) Variants() iter.Seq2[Variant, error] {
	return func(yield func(Variant, error) bool) {
		for o := range r.outputs {
			if !yield(o.variant, o.err) {
				return
			}
		}
	}
}

// Placeholder is known as soon as the last quick variant has been yielded.
func (r *Rendering) Placeholder() media.Placeholder { return r.placeholder }

// stage is one step of the cascade: the sizes of the preset that come out alike.
type stage struct {
	plan  media.Plan
	names []string
}

// stages returns the cascade, largest first. An original smaller than several of
// the sizes has one stage for all of them, so nothing is encoded twice.
func (r *Rendering) stages() []stage {
	var stages []stage
	for _, size := range r.preset.Sizes {
		plan := r.preset.Plan(size, r.original.Upright)
		if last := len(stages) - 1; last >= 0 && stages[last].plan == plan {
			stages[last].names = append(stages[last].names, size.Name())
			continue
		}
		stages = append(stages, stage{plan, []string{size.Name()}})
	}
	slices.SortStableFunc(stages, func(a, b stage) int {
		return cmp.Compare(b.plan.Scaled.Pixels(), a.plan.Scaled.Pixels())
	})
	return stages
}

func (r *Rendering) run(ctx context.Context) error {
	defer r.free()
	var err error
	if r.watermark, err = newWatermark(r.preset.Watermark); err != nil {
		return err
	}
	if r.watermark != nil {
		r.own(r.watermark.image)
	}
	stages := r.stages()
	master, err := r.original.decode(stages[0].plan.Scaled)
	if err != nil {
		return r.original.verdict(err)
	}
	r.own(master)
	r.schedule.add(task{class: resizing, run: r.cascade(master, stages)})
	return r.schedule.run(ctx, runtime.GOMAXPROCS(0))
}

// cascade is the task that makes the first of the stages from the next larger
// one, and adds the tasks that this makes possible.
func (r *Rendering) cascade(larger *image, stages []stage) func() error {
	return func() error {
		plan := stages[0].plan
		scaled, err := larger.resize(plan.Scaled)
		if err != nil {
			return err
		}
		r.own(scaled)
		cropped, err := scaled.crop(plan.Output, r.preset.Crop)
		if err != nil {
			return err
		}
		r.own(cropped)
		if smaller := stages[1:]; len(smaller) > 0 {
			r.schedule.add(task{class: resizing, run: r.cascade(scaled, smaller)})
		} else if r.placeholder, err = cropped.placeholder(); err != nil {
			return err
		}
		picture, err := r.mark(cropped)
		if err != nil {
			return err
		}
		for _, encoder := range r.preset.Encoders {
			class := quickCodec
			if !encoder.Quick() {
				class = slowCodec
			}
			r.schedule.add(task{class: class, cost: plan.Output.Pixels(), run: r.encode(picture, stages[0], encoder)})
		}
		return nil
	}
}

// encode is the task that encodes one image, for all the variants that it is.
func (r *Rendering) encode(p picture, stage stage, encoder media.Encoder) func() error {
	return func() error {
		var encoded []byte
		var err error
		if r.original.Animated() && encoder.Format == media.WebP {
			encoded, err = r.original.animate(stage.plan, p.plain, p.mark, encoder)
		} else {
			encoded, err = p.marked.encode(encoder, r.background)
		}
		if err != nil {
			return err
		}
		for _, name := range stage.names {
			r.emit(Variant{Name: name, Format: encoder.Format, Extent: p.marked.Extent, Bytes: encoded}, encoder.Quick())
		}
		return nil
	}
}

// emit hands out a variant, but holds slow ones back until the last quick one.
func (r *Rendering) emit(v Variant, quick bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !quick && r.quick > 0 {
		r.held = append(r.held, v)
		return
	}
	r.outputs <- output{variant: v}
	if quick {
		if r.quick--; r.quick == 0 {
			for _, v := range r.held {
				r.outputs <- output{variant: v}
			}
			r.held = nil
		}
	}
}

func (r *Rendering) own(img *image) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images = append(r.images, img)
}

func (r *Rendering) free() {
	for _, img := range r.images {
		img.free()
	}
	C.presize_trim_memory()
}
