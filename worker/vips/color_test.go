package vips

import (
	stdimage "image"
	"image/color"
	"math"
	"testing"
)

// chartIn draws the chart in an image of another type.
func chartIn(kind string) stdimage.Image {
	source := chartImage()
	if kind == "palette" {
		var palette color.Palette
		for _, c := range chart {
			palette = append(palette, c)
		}
		img := stdimage.NewPaletted(source.Rect, palette)
		for i := range img.Pix {
			img.Pix[i] = uint8(i/256/64*4 + i%256/64)
		}
		return img
	}
	type settable interface {
		stdimage.Image
		Set(x, y int, c color.Color)
	}
	img := map[string]settable{
		"grey": stdimage.NewGray(source.Rect), "grey 16": stdimage.NewGray16(source.Rect), "rgb 16": stdimage.NewNRGBA64(source.Rect),
	}[kind]
	for y := range 192 {
		for x := range 256 {
			img.Set(x, y, source.At(x, y))
		}
	}
	return img
}

// checkColors compares the middle of every patch with what the numbers of img mean
// in a space, as far as sRGB can show it.
func checkColors(t *testing.T, name string, s space, img stdimage.Image, got *stdimage.NRGBA, limit float64) {
	t.Helper()
	for y := 32; y < 192; y += 64 {
		for x := 32; x < 256; x += 64 {
			r, g, b, _ := img.At(x, y).RGBA()
			want := inSRGB(s.pcs(float64(r)/65535, float64(g)/65535, float64(b)/65535))
			c := got.NRGBAAt(x, y)
			actual := sRGBSpace().pcs(float64(c.R)/255, float64(c.G)/255, float64(c.B)/255)
			if d := deltaE(want, actual); d > limit {
				t.Errorf("%s: at %d,%d delta E is %.2f: %v", name, x, y, d, c)
			}
		}
	}
}

// exact is the CIE76 delta E that rounding to 8 bits and the precision of the
// color engine may cause, lossy what JPEG at quality 100 adds with halved chroma.
const (
	exact = 1.0
	lossy = 1.7
)

func TestProfilesAreConvertedToSRGB(t *testing.T) {
	for name, s := range map[string]space{
		"sRGB": sRGBSpace(), "Display P3": p3Space(), "Adobe RGB": adobeSpace(), "ProPhoto": proPhotoSpace(),
	} {
		icc := extras{icc: s.profile("RGB ")}
		plain, deep := chartImage(), chartIn("rgb 16")
		checkColors(t, name+" PNG", s, plain, decodeWhole(t, writePNG(t, plain, icc)), exact)
		checkColors(t, name+" PNG 16", s, deep, decodeWhole(t, writePNG(t, deep, icc)), exact)
		checkColors(t, name+" palette PNG", s, plain, decodeWhole(t, writePNG(t, chartIn("palette"), icc)), exact)
		checkColors(t, name+" TIFF", s, plain, decodeWhole(t, writeTIFF(t, plain, 1, icc)), exact)
		checkColors(t, name+" TIFF 16", s, deep, decodeWhole(t, writeTIFF(t, deep, 1, icc)), exact)
		checkColors(t, name+" WebP", s, plain, decodeWhole(t, writeWebP(t, plain, icc)), exact)
		checkColors(t, name+" JPEG", s, plain, decodeWhole(t, writeJPEG(t, plain, icc)), lossy)
	}
}

func TestProfileOfGreyIsConverted(t *testing.T) {
	curve, tag := gamma(461)
	s := sRGBSpace()
	s.curve, s.tag = curve, tag
	icc := extras{icc: s.profile("GRAY")}
	for _, kind := range []string{"grey", "grey 16"} {
		img := chartIn(kind)
		checkColors(t, kind+" PNG", s, img, decodeWhole(t, writePNG(t, img, icc)), exact)
	}
	checkColors(t, "grey JPEG", s, chartIn("grey"), decodeWhole(t, writeJPEG(t, chartIn("grey"), icc)), exact)
}

func TestPixelsWithoutProfileStayAsTheyAre(t *testing.T) {
	for name, test := range map[string]struct {
		img  stdimage.Image
		file []byte
	}{
		"PNG":         {chartImage(), writePNG(t, chartImage(), extras{})},
		"palette PNG": {chartImage(), writePNG(t, chartIn("palette"), extras{})},
		"PNG 16":      {chartIn("rgb 16"), writePNG(t, chartIn("rgb 16"), extras{})},
		"grey PNG":    {chartIn("grey"), writePNG(t, chartIn("grey"), extras{})},
		"grey PNG 16": {chartIn("grey 16"), writePNG(t, chartIn("grey 16"), extras{})},
		"TIFF":        {chartImage(), writeTIFF(t, chartImage(), 1, extras{})},
		"TIFF 16":     {chartIn("rgb 16"), writeTIFF(t, chartIn("rgb 16"), 1, extras{})},
		"WebP":        {chartImage(), writeWebP(t, chartImage(), extras{})},
	} {
		limit := 0.0
		if name == "grey PNG 16" {
			limit = 1 // libvips rounds these, and cuts the others off
		}
		if off := worst(t, test.img, decodeWhole(t, test.file)); off > limit {
			t.Errorf("%s: off by %v levels", name, off)
		}
	}
}

func TestGreyWithAlphaKeepsBoth(t *testing.T) {
	img := chartImage()
	for at := 0; at < len(img.Pix); at += 4 {
		copy(img.Pix[at:], []byte{90, 90, 90, 128})
	}
	got := decodeWhole(t, writePNG(t, img, extras{}))
	if c := got.NRGBAAt(40, 40); c != (color.NRGBA{90, 90, 90, 128}) {
		t.Errorf("got %v", c)
	}
}

func TestAlphaStaysWhereColorsAreConverted(t *testing.T) {
	icc := extras{icc: p3Space().profile("RGB ")}
	half := chartImage()
	for at := 3; at < len(half.Pix); at += 4 {
		half.Pix[at] = 128
	}
	want, got := decodeWhole(t, writePNG(t, chartImage(), icc)), decodeWhole(t, writePNG(t, half, icc))
	for at := range want.Pix {
		if expected := want.Pix[at]; at%4 == 3 {
			if got.Pix[at] != 128 {
				t.Fatalf("alpha became %d", got.Pix[at])
			}
		} else if math.Abs(float64(got.Pix[at])-float64(expected)) > 1 {
			t.Fatalf("byte %d is %d, and %d without alpha", at, got.Pix[at], expected)
		}
	}
}

func TestUnusableProfileCountsAsNone(t *testing.T) {
	grey := sRGBSpace().profile("GRAY")
	for name, icc := range map[string][]byte{"nonsense": []byte("not a profile at all, but long enough to be one"), "for grey": grey} {
		for format, file := range map[string][]byte{
			"PNG": writePNG(t, chartImage(), extras{icc: icc}), "JPEG": writeJPEG(t, chartImage(), extras{icc: icc}),
		} {
			if off := worst(t, chartImage(), decodeWhole(t, file)); off > tolerance {
				t.Errorf("%s, profile %s: off by %v levels", format, name, off)
			}
		}
	}
}
