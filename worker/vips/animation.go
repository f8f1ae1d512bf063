package vips

// #include "animation.h"
// #include "bridge.h"
import "C"

import (
	"unsafe"

	"github.com/presize/presize/internal/media"
)

// Animated reports whether the original is more than a still image.
func (i Info) Animated() bool { return i.Frames > 1 }

// animate encodes all frames of an animated original as one WebP: lossy, or lossless
// where that is smaller and lossy coding makes a GIF larger. first is the first
// frame as plan makes it, without the mark: the others are cropped where it
// is. The error is a *media.Rejection where a frame is missing or broken.
func (o *Original) animate(plan media.Plan, first *image, mark mark, encoder media.Encoder) ([]byte, error) {
	cut := C.PresizeCut{
		scaled_width: C.int(plan.Scaled.Width), scaled_height: C.int(plan.Scaled.Height),
		width: C.int(plan.Output.Width), height: C.int(plan.Output.Height),
		mark: mark.c(),
		skip: C.int(o.reading.skip), bare: cBool(o.reading.bare),
	}
	if plan.Output != plan.Scaled { // libvips remembers a cropped image's place, with the sign of a translation
		cut.left, cut.top = -C.vips_image_get_xoffset(first.vips), -C.vips_image_get_yoffset(first.vips)
	}
	encoded, err := o.encodeFrames(&cut, encoder, false)
	if err != nil || len(encoded) <= len(o.file) || o.Format != media.GIF || plan.Scaled != o.Upright {
		return encoded, err
	}
	// A drawn GIF has few colors and sharp edges, which lossless coding keeps in fewer bytes. Scaled
	// down it has many colors, and lossless coding would only make it larger.
	lossless, err := o.encodeFrames(&cut, encoder, true)
	if err != nil || len(lossless) >= len(encoded) {
		return encoded, err
	}
	return lossless, nil
}

func (o *Original) encodeFrames(cut *C.PresizeCut, encoder media.Encoder, lossless bool) ([]byte, error) {
	file := o.reading.file
	exact := C.int(0)
	if lossless {
		exact = 1
	}
	encode := func(out *unsafe.Pointer, size *C.size_t) C.int {
		return C.presize_animate(unsafe.Pointer(&file[0]), C.size_t(len(file)), cut,
			C.int(encoder.Quality), C.int(encoder.Effort), exact, out, size)
	}
	encoded, err := save(decoding, encode)
	if unusableProfile(err) { // where tables stood in for libvips in the first frame
		cut.bare = 1
		encoded, err = save(decoding, encode)
	}
	if err != nil {
		return nil, o.verdict(err)
	}
	return encoded, nil
}
