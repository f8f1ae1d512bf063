package vips

// #include "bridge.h"
import "C"

import (
	"fmt"

	"github.com/presize/presize/internal/media"
)

// watermark is the image that a preset lays over its variants, at its own size.
//
// bimg's WatermarkImage is of no use here. It blends the alpha bands like colors:
// an opaque photo becomes transparent under a watermark of half opacity, and on
// a transparent one the watermark all but disappears. It neither scales nor aligns,
// and an opacity of 0 means 1. The bridge's own few lines change no pixel beside the watermark
// and round instead of cutting off, which vips_composite does with 8 bits.
type watermark struct {
	*image
	media.Watermark
}

// newWatermark decodes the watermark of a preset. It returns nil for none.
func newWatermark(settings *media.Watermark) (*watermark, error) {
	if settings == nil {
		return nil, nil
	}
	const edge = media.MaxWatermark
	original, err := Probe(settings.PNG, media.Limits{Bytes: int64(len(settings.PNG)), Pixels: edge * edge, Frames: 1})
	if err != nil {
		return nil, fmt.Errorf("watermark %s: %v", settings.Image, err) // no rejection: the original is not at fault
	}
	decoded, err := original.decode(original.Upright)
	if err != nil {
		return nil, fmt.Errorf("watermark %s: %w", settings.Image, err)
	}
	return &watermark{decoded, *settings}, nil
}

// mark is a watermark made for one variant. Its zero value is none.
type mark struct {
	*image
	left, top int
	opacity   float64
}

// mark scales the watermark for a variant: from its own size each time, so that it
// is as sharp on the smallest as on the largest.
func (w *watermark) mark(variant media.Extent) (mark, error) {
	extent, left, top := w.Plan(variant, w.Extent)
	scaled, err := w.resize(extent)
	if err != nil {
		return mark{}, fmt.Errorf("watermark %s: %w", w.Image, err)
	}
	return mark{scaled, left, top, w.Opacity}, nil
}

// c is the mark for the bridge. It is valid until the mark is freed.
func (m mark) c() C.PresizeMark {
	if m.image == nil {
		return C.PresizeMark{}
	}
	return C.PresizeMark{image: m.vips, left: C.int(m.left), top: C.int(m.top), opacity: C.double(m.opacity)}
}

// marked returns the image with the mark on it.
func (i *image) marked(m mark) (*image, error) {
	place := m.c()
	var out *C.VipsImage
	err := call(func() C.int { return C.presize_mark(i.vips, &place, &out) })
	return newImage(out), err
}

// picture is the image of a stage, ready to be encoded.
type picture struct {
	plain  *image // without the watermark
	mark   mark
	marked *image
}

// mark puts the watermark on an image. The placeholder is made of the image without
// it: it shows for a moment, and colors, not marks.
func (r *Rendering) mark(img *image) (p picture, err error) {
	p = picture{plain: img, marked: img}
	if r.watermark == nil {
		return p, nil
	}
	if p.mark, err = r.watermark.mark(img.Extent); err != nil {
		return p, err
	}
	r.own(p.mark.image)
	if p.marked, err = img.marked(p.mark); err != nil {
		return p, err
	}
	r.own(p.marked)
	return p, nil
}
