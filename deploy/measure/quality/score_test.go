package main

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"math"
	"testing"

	"github.com/presize/presize/internal/phototest"
)

// cardinal is a piece of a real photo with smooth and busy parts.
func cardinal(t *testing.T) *image.NRGBA {
	whole, err := jpeg.Decode(bytes.NewReader(phototest.Read(t, "northern_cardinal_bird.jpg")))
	if err != nil {
		t.Fatal(err)
	}
	piece := image.NewNRGBA(image.Rect(0, 0, 301, 203)) // odd at most of the scales
	draw.Draw(piece, piece.Rect, whole, image.Pt(900, 300), draw.Src)
	return piece
}

func asViews(img image.Image) []view {
	pixels := image.NewNRGBA(img.Bounds())
	draw.Draw(pixels, pixels.Rect, img, img.Bounds().Min, draw.Src)
	var rgb []byte
	for at := 0; at < len(pixels.Pix); at += 4 {
		rgb = append(rgb, pixels.Pix[at:at+3]...)
	}
	return views(linear(pixels.Rect.Dx(), pixels.Rect.Dy(), rgb))
}

// The expected scores are those of the crate ssimulacra2 0.5.1, whose recursive blur
// adds up its roundings, and of the same formulas in NumPy with 64 bits.
func TestScoresAreThoseOfOtherImplementations(t *testing.T) {
	original := cardinal(t)
	reference := asViews(original)
	for _, test := range []struct {
		quality      int
		crate, exact float64
	}{
		{10, -11.876475, -11.865568},
		{50, 69.536398, 69.531262},
		{90, 89.815852, 89.865473},
	} {
		var encoded bytes.Buffer
		if err := jpeg.Encode(&encoded, original, &jpeg.Options{Quality: test.quality}); err != nil {
			t.Fatal(err)
		}
		decoded, err := jpeg.Decode(&encoded)
		if err != nil {
			t.Fatal(err)
		}
		got := score(reference, asViews(decoded))
		if math.Abs(got-test.exact) > 0.01 || math.Abs(got-test.crate) > 0.06 {
			t.Errorf("JPEG of quality %d: %.3f, want %.3f, by the crate %.3f", test.quality, got, test.exact, test.crate)
		}
	}
	if got := score(reference, reference); got != 100 {
		t.Errorf("the same image: %.3f", got)
	}
}
