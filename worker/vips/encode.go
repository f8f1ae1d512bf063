package vips

import (
	"fmt"
	"strconv"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// encode writes the image in the encoder's format, without any metadata: what is
// sRGB needs no profile to be shown right.
func (i *image) encode(encoder media.Encoder, background bimg.Color) ([]byte, error) {
	options := bimg.Options{
		Quality:       encoder.Quality,
		Speed:         encoder.Speed,
		StripMetadata: true,
		NoAutoRotate:  true,
	}
	switch encoder.Format {
	case media.AVIF:
		options.Type = bimg.AVIF
	case media.WebP:
		options.Type = bimg.WEBP
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
