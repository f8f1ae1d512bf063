package vips

// #include "bridge.h"
import "C"

import (
	"fmt"
	"strconv"
	"unsafe"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// encode writes the image in the encoder's format, without any metadata: what is
// sRGB needs no profile to be shown right.
func (i *image) encode(encoder media.Encoder, background bimg.Color) ([]byte, error) {
	if encoder.Format == media.WebP {
		return i.encodeWebP(encoder)
	}
	options := bimg.Options{
		Quality:       encoder.Quality,
		Speed:         encoder.Speed,
		StripMetadata: true,
		NoAutoRotate:  true,
	}
	switch encoder.Format {
	case media.AVIF:
		options.Type = bimg.AVIF
	case media.JPEG:
		options.Type = bimg.JPEG
		options.Interlace = true // progressive: smaller, and something to see early
	}
	source, err := i.opaqueFor(encoder.Format, background)
	if err != nil {
		return nil, err
	}
	defer source.free()
	buffer.RLock()
	encoded, err := bimg.Resize(source.tiff(), options)
	buffer.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", encoder.Format, err)
	}
	return encoded, nil
}

// encodeWebP goes past bimg, which leaves libwebp's effort at its default.
func (i *image) encodeWebP(encoder media.Encoder) ([]byte, error) {
	encoded, err := save(call, func(out *unsafe.Pointer, size *C.size_t) C.int {
		return C.presize_webp(i.vips, C.int(encoder.Quality), C.int(encoder.Effort), 0, out, size)
	})
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", encoder.Format, err)
	}
	return encoded, nil
}

// save makes run run a call of libvips that encodes, and returns a copy of what it wrote.
func save(run func(func() C.int) error, f func(out *unsafe.Pointer, size *C.size_t) C.int) ([]byte, error) {
	var out unsafe.Pointer
	var size C.size_t
	if err := run(func() C.int { return f(&out, &size) }); err != nil {
		return nil, err
	}
	defer C.g_free(C.gpointer(out))
	return C.GoBytes(out, C.int(size)), nil
}

// opaqueFor flattens the image for the one format that has no alpha.
func (i *image) opaqueFor(format media.Format, background bimg.Color) (*image, error) {
	if format != media.JPEG {
		return i.same(), nil
	}
	return i.flatten(background)
}

// parseColor reads the #rrggbb of a preset, which is checked already.
func parseColor(hex string) bimg.Color {
	rgb, _ := strconv.ParseUint(hex[1:], 16, 24)
	return bimg.Color{R: uint8(rgb >> 16), G: uint8(rgb >> 8), B: uint8(rgb)}
}
