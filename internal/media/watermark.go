package media

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"path"
	"regexp"
	"slices"
)

// MaxWatermark is the longest edge of a watermark's image in pixels.
const MaxWatermark = 2048

// Watermark is an image that a preset lays over each of its variants.
type Watermark struct {
	Image   string  `json:"image"`            // name of a PNG in the directory watermarks
	Place   Place   `json:"place"`            // where in the variant
	Width   float64 `json:"width"`            // part of the variant's width: above 0, up to 1
	Opacity float64 `json:"opacity"`          // above 0, up to 1
	Margin  float64 `json:"margin,omitempty"` // to the edges, part of the variant's shorter edge: below 0.5
	PNG     []byte  `json:"-"`                // the image itself
}

// Place is a point of the compass, like "south-east", or "centre".
type Place string

// thirds tells how far to the right and down a place is, from 0 to 2.
func (p Place) thirds() (x, y int, ok bool) {
	for y, row := range [3][3]Place{
		{"north-west", "north", "north-east"},
		{"west", "centre", "east"},
		{"south-west", "south", "south-east"},
	} {
		if x := slices.Index(row[:], p); x >= 0 {
			return x, y, true
		}
	}
	return 0, 0, false
}

// Plan computes the extent of the watermark on a variant, and how far from the
// variant's left and upper edges it is, from the extent of the image.
//
// The watermark is never enlarged or distorted. Where its width would make it
// higher than the variant without margins, it is made to fit.
func (w Watermark) Plan(variant, image Extent) (scaled Extent, left, top int) {
	shorter := min(variant.Width, variant.Height)
	margin := min(int(math.Round(w.Margin*float64(shorter))), (shorter-1)/2)
	room := Extent{variant.Width - 2*margin, variant.Height - 2*margin}
	width := min(max(1, int(math.Round(w.Width*float64(variant.Width)))), room.Width)
	scaled = Preset{Fit: Inside}.Plan(Size{Width: width, Height: room.Height}, image).Output
	x, y, _ := w.Place.thirds()
	return scaled, margin + x*(room.Width-scaled.Width)/2, margin + y*(room.Height-scaled.Height)/2
}

var watermarkName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*\.png$`)

// load reads the image, and checks it and the settings.
func (w *Watermark) load(files fs.FS) error {
	var problems []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf("watermark: "+format, args...))
		}
	}
	_, _, ok := w.Place.thirds()
	expect(ok, `place: want a point of the compass like "south-east", or "centre", not %q`, w.Place)
	expect(w.Width > 0 && w.Width <= 1, "width: want a part above 0, up to 1, not %v", w.Width)
	expect(w.Opacity > 0 && w.Opacity <= 1, "opacity: want a part above 0, up to 1, not %v", w.Opacity)
	expect(w.Margin >= 0 && w.Margin < 0.5, "margin: want a part from 0 to below 0.5, not %v", w.Margin)
	if !watermarkName.MatchString(w.Image) {
		expect(false, "image: want the name of a PNG like %q, not %q", "logo.png", w.Image)
		return errors.Join(problems...)
	}
	var err error
	if w.PNG, err = fs.ReadFile(files, path.Join("watermarks", w.Image)); err != nil {
		expect(false, "image: %w", err)
		return errors.Join(problems...)
	}
	header, err := png.DecodeConfig(bytes.NewReader(w.PNG))
	if err != nil {
		expect(false, "image: read %s: %w", w.Image, err)
		return errors.Join(problems...)
	}
	expect(max(header.Width, header.Height) <= MaxWatermark, "image: %s is %d x %d; want edges of at most %d",
		w.Image, header.Width, header.Height, MaxWatermark)
	return errors.Join(problems...)
}
