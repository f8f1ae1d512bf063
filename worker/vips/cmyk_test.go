package vips

import (
	"bytes"
	"encoding/binary"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"testing"
)

// inks are what the patches of testdata/cmyk.jpg are printed with, row by row. Pillow wrote
// the file.
var inks = [12]color.CMYK{
	{0, 0, 0, 0}, {255, 0, 0, 0}, {0, 255, 0, 0}, {0, 0, 255, 0},
	{255, 255, 0, 0}, {0, 255, 255, 0}, {255, 0, 255, 0}, {0, 0, 0, 255},
	{128, 0, 0, 0}, {0, 77, 128, 26}, {179, 51, 0, 102}, {51, 102, 153, 51},
}

// inkProfile is a profile of an imaginary printer whose colors sRGB can show. It has the table at the corners
// only, that is for inks that are printed in full or not at all (ICC.1:2001-04
// §6.5.7, lut16Type).
func inkProfile() []byte {
	lut := []byte("mft2\x00\x00\x00\x00\x04\x03\x02\x00")
	for i := range 9 { // an identity matrix
		lut = fixed(lut, map[bool]float64{true: 1}[i%4 == 0])
	}
	add := func(values ...uint16) {
		for _, v := range values {
			lut = binary.BigEndian.AppendUint16(lut, v)
		}
	}
	add(2, 2)                                   // entries of the curves
	add(0, 65535, 0, 65535, 0, 65535, 0, 65535) // which are straight
	for corner := range uint8(16) {             // the first ink changes slowest
		c := corners(color.CMYK{C: 255 * (corner >> 3), M: 255 * (corner >> 2 & 1), Y: 255 * (corner >> 1 & 1), K: 255 * (corner & 1)})
		l := lab(sRGBSpace().pcs(float64(c.R)/255, float64(c.G)/255, float64(c.B)/255))
		add(uint16(math.Round(l[0]/100*0xff00)), uint16(math.Round((l[1]+128)*256)), uint16(math.Round((l[2]+128)*256)))
	}
	add(0, 65535, 0, 65535, 0, 65535)
	return writeProfile("prtrCMYKLab ", 2, []tag{{"A2B0", lut}})
}

// corners is what the imaginary printer gives where every ink is full or absent, on
// white paper.
func corners(c color.CMYK) color.NRGBA {
	left := func(ink uint8) uint8 { return (255 - ink) / (1 + c.K/255) }
	return color.NRGBA{left(c.C), left(c.M), left(c.Y), 255}
}

func cmykChart(t testing.TB) (file []byte, decoded *stdimage.CMYK) {
	t.Helper()
	file, err := os.ReadFile("testdata/cmyk.jpg")
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	decoded, ok := img.(*stdimage.CMYK)
	if !ok {
		t.Fatalf("a %T", img)
	}
	for i, ink := range inks {
		if got := decoded.CMYKAt(i%4*64+32, i/4*64+32); got != ink {
			t.Fatalf("patch %d is printed with %v", i, got)
		}
	}
	return file, decoded
}

// checkInks compares the first patches of a picture.
func checkInks(t *testing.T, name string, got *stdimage.NRGBA, want []color.NRGBA, limit float64) {
	t.Helper()
	for i, w := range want {
		c := got.NRGBAAt(i%4*64+32, i/4*64+32)
		pcs := func(c color.NRGBA) [3]float64 {
			return sRGBSpace().pcs(float64(c.R)/255, float64(c.G)/255, float64(c.B)/255)
		}
		if d := deltaE(pcs(w), pcs(c)); d > limit {
			t.Errorf("%s: %v is %v, want %v: delta E is %.2f", name, inks[i], c, w, d)
		}
	}
}

func TestCMYKIsConvertedByItsProfile(t *testing.T) {
	file, decoded := cmykChart(t)
	var want []color.NRGBA
	for _, ink := range inks[:8] { // those in full
		want = append(want, corners(ink))
	}
	icc := extras{icc: inkProfile()}
	checkInks(t, "JPEG", decodeWhole(t, addToJPEG(file, icc)), want, exact)
	checkInks(t, "TIFF", decodeWhole(t, writeTIFF(t, decoded, 1, icc)), want, exact)
}

// Browsers know no inks, and take away from red, green and blue what each leaves of it.
func TestCMYKWithoutProfileIsShownAsBrowsersDo(t *testing.T) {
	file, decoded := cmykChart(t)
	var want []color.NRGBA
	for _, ink := range inks {
		left := func(part uint8) uint8 { return uint8((int(255-part)*int(255-ink.K) + 127) / 255) }
		want = append(want, color.NRGBA{left(ink.C), left(ink.M), left(ink.Y), 255})
	}
	checkInks(t, "JPEG", decodeWhole(t, file), want, exact)
	checkInks(t, "TIFF", decodeWhole(t, writeTIFF(t, decoded, 1, extras{})), want, exact)
}
