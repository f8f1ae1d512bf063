package vips

import (
	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// Sample is an image at one size on its way to an encoder, for those who measure
// what the encoders do to it.
type Sample struct{ image *image }

// NewSample decodes an original to exactly extent, as [Render] does. Transparent
// pixels become white. The caller frees it.
func NewSample(file []byte, format media.Format, extent media.Extent) (*Sample, error) {
	start()
	original := &Original{file: file}
	if err := original.open(format); err != nil {
		return nil, err
	}
	decoded, err := original.decode(extent)
	if err != nil {
		return nil, err
	}
	defer decoded.free()
	opaque, err := decoded.flatten(bimg.Color{R: 255, G: 255, B: 255})
	if err != nil {
		return nil, err
	}
	return &Sample{opaque}, nil
}

// Encode encodes the sample as [Render] would.
func (s *Sample) Encode(encoder media.Encoder) ([]byte, error) {
	return s.image.encode(encoder, bimg.Color{})
}

// Pixels are three bytes of sRGB each, row by row, valid until the sample is freed.
func (s *Sample) Pixels() []byte { return s.image.pixels() }

// Free gives the sample's memory back.
func (s *Sample) Free() { s.image.free() }
