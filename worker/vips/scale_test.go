package vips

import (
	stdimage "image"
	"image/color"
	"image/gif"
	"math"
	"os"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// stripes are opaque red and transparent green in turn: wherever green can be seen,
// the color of invisible pixels has leaked.
func stripes(width, height int) *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.NRGBA{G: 255}
			if (x/5+y/5)%2 == 0 {
				c = color.NRGBA{R: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

// leaks counts the pixels that show green.
func leaks(img *stdimage.NRGBA) (count int) {
	for at := 0; at < len(img.Pix); at += 4 {
		if int(img.Pix[at+1])*int(img.Pix[at+3]) > 255*3 {
			count++
		}
	}
	return count
}

func TestNoFringeWhereOnlyOneEdgeIsScaled(t *testing.T) {
	for _, test := range []struct{ from, to media.Extent }{
		{media.Extent{Width: 3000, Height: 1}, media.Extent{Width: 1920, Height: 1}},
		{media.Extent{Width: 1, Height: 3000}, media.Extent{Width: 1, Height: 1000}},
		{media.Extent{Width: 330, Height: 16}, media.Extent{Width: 320, Height: 16}},
		{media.Extent{Width: 16, Height: 330}, media.Extent{Width: 16, Height: 320}},
		{media.Extent{Width: 330, Height: 160}, media.Extent{Width: 320, Height: 155}}, // both
	} {
		drawn := stripes(test.from.Width, test.from.Height)
		for format, file := range map[string][]byte{
			"PNG": encodePNG(t, drawn), "16-bit PNG": encodePNG(t, deep(drawn)), "PNG with profile": writePNG(t, drawn, extras{icc: p3Space().profile("RGB ")}),
			"WebP":        writeWebP(t, drawn, extras{}),
			"turned WebP": writeWebP(t, stripes(test.from.Height, test.from.Width), extras{exif: exifOf(6)}),
			"turned PNG":  writePNG(t, stripes(test.from.Height, test.from.Width), extras{exif: exifOf(6)}),
		} {
			info, err := Probe(file, media.DefaultLimits())
			if err != nil {
				t.Fatal(err)
			}
			scaled, err := decode(file, info.Format, test.to)
			if err != nil {
				t.Fatal(err)
			}
			if n := leaks(toGo(scaled)); n > 0 {
				t.Errorf("%s decoded from %v to %v: a fringe of %d pixels", format, test.from, test.to, n)
			}
			whole, err := decode(file, info.Format, test.from)
			if err != nil {
				t.Fatal(err)
			}
			resized, err := whole.resize(test.to)
			if err != nil {
				t.Fatal(err)
			}
			if n := leaks(toGo(resized)); n > 0 {
				t.Errorf("%s resized from %v to %v: a fringe of %d pixels", format, test.from, test.to, n)
			}
		}
	}
}

func deep(img *stdimage.NRGBA) *stdimage.NRGBA64 {
	out := stdimage.NewNRGBA64(img.Rect)
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c := img.NRGBAAt(x, y)
			out.SetNRGBA64(x, y, color.NRGBA64{R: 257 * uint16(c.R), G: 257 * uint16(c.G), B: 257 * uint16(c.B), A: 257 * uint16(c.A)})
		}
	}
	return out
}

func TestFramesHaveNoFringeWhereOnlyOneEdgeIsScaled(t *testing.T) {
	area := stdimage.Rect(0, 0, 330, 16)
	drawn := stdimage.NewPaletted(area, color.Palette{red, color.Transparent})
	for y := range area.Dy() {
		for x := range area.Dx() {
			drawn.SetColorIndex(x, y, uint8((x/5+y/5)%2))
		}
	}
	file := encodeGIF(t, gif.GIF{Image: []*stdimage.Paletted{drawn, flat(area, blue)}, Delay: []int{10, 10}})
	scaled, err := decode(encodePNG(t, drawn), media.PNG, media.Extent{Width: 320, Height: 16})
	if err != nil {
		t.Fatal(err)
	}
	preset := preset(t, "photo")
	preset.Encoders[1].Quality = 100
	frame := parseAnimation(t, find(t, mustRender(t, file, preset), "320", media.WebP).Bytes).frames[0]
	if d := distance(grid(toGo(scaled), 4), grid(frame, 4)); d > 2 {
		t.Errorf("%.1f levels off", d)
	}
}

func TestThumbnailInAnAVIFIsNotTheImage(t *testing.T) {
	file := readHEIF(t, "thumbnail.avif") // one of 160 x 120, all red
	if off := worst(t, chartImage(), decodeWhole(t, file)); off > tolerance {
		t.Fatalf("at full size: off by %v levels", off)
	}
	small, err := decode(file, media.AVIF, media.Extent{Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(grid(chartImage(), 4), grid(toGo(small), 4)); d > tolerance {
		t.Errorf("scaled down: off by %.1f levels", d)
	}
}

// The file is by Pillow. Its second page, of 128 x 96, is all red.
func TestOtherPagesOfATIFFAreNotTheImage(t *testing.T) {
	file, err := os.ReadFile("testdata/pages.tif")
	if err != nil {
		t.Fatal(err)
	}
	small, err := decode(file, media.TIFF, media.Extent{Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(grid(chartImage(), 4), grid(toGo(small), 4)); d > tolerance {
		t.Errorf("off by %.1f levels", d)
	}
}

// libwebp scales lossy colors without regard to alpha while it decodes them.
func TestShrinkOnLoadOfWebPLeaksNoInvisibleColor(t *testing.T) {
	file, err := bimg.Resize(encodePNG(t, disc(1000)), bimg.Options{Type: bimg.WEBP, Quality: 90})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := decode(file, media.WebP, media.Extent{Width: 1000, Height: 1000})
	if err != nil {
		t.Fatal(err)
	}
	extent := media.Extent{Width: 100, Height: 100}
	want, err := whole.resize(extent)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(file, media.WebP, extent)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range want.pixels() {
		if g := got.pixels()[i]; math.Abs(float64(w)-float64(g)) > 4 && want.pixels()[i|3] > 40 {
			t.Fatalf("pixel %d: %d in band %d, not %d", i/4, g, i%4, w)
		}
	}
}
