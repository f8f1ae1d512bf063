//go:build !quick

package vips

import (
	"bytes"
	"fmt"
	stdimage "image"
	"image/jpeg"
	"math"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// oriented is an image as it is to be seen: EXIF 2.32 §4.6.4 says for each
// orientation where row 0 and column 0 of the stored image lie.
func oriented(stored *stdimage.NRGBA, orientation int) *stdimage.NRGBA {
	w, h := stored.Rect.Dx(), stored.Rect.Dy()
	upright := stdimage.NewNRGBA(stdimage.Rect(0, 0, w, h))
	if orientation >= 5 {
		upright = stdimage.NewNRGBA(stdimage.Rect(0, 0, h, w))
	}
	for row := range h {
		for column := range w {
			x, y := column, row
			switch orientation {
			case 2: // row 0 at the top, column 0 at the right
				x = w - 1 - column
			case 3: // bottom, right
				x, y = w-1-column, h-1-row
			case 4: // bottom, left
				y = h - 1 - row
			case 5: // left, top
				x, y = row, column
			case 6: // right, top
				x, y = h-1-row, column
			case 7: // right, bottom
				x, y = h-1-row, w-1-column
			case 8: // left, bottom
				x, y = row, w-1-column
			}
			upright.SetNRGBA(x, y, stored.NRGBAAt(column, row))
		}
	}
	return upright
}

func TestEveryOrientationOfEveryFormatIsUpright(t *testing.T) {
	stored := chartImage()
	for orientation := 1; orientation <= 8; orientation++ {
		want := oriented(stored, orientation)
		exif := extras{exif: exifOf(orientation)}
		for format, file := range map[string][]byte{
			"JPEG": writeJPEG(t, stored, exif),
			"PNG":  writePNG(t, stored, exif),
			"WebP": writeWebP(t, stored, exif),
			"TIFF": writeTIFF(t, stored, orientation, extras{}),
		} {
			name := fmt.Sprintf("%s with orientation %d", format, orientation)
			info, err := Probe(file, media.DefaultLimits())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if info.Upright != (media.Extent{Width: want.Rect.Dx(), Height: want.Rect.Dy()}) {
				t.Errorf("%s: probed as %v", name, info.Upright)
				continue
			}
			if off := worst(t, want, decodeWhole(t, file)); off > tolerance {
				t.Errorf("%s: off by %v levels", name, off)
			}
		}
	}
}

func TestOrientationOutOfRangeCountsAsUpright(t *testing.T) {
	for _, orientation := range []int{0, 9, 200} {
		file := writeJPEG(t, chartImage(), extras{exif: exifOf(orientation)})
		if off := worst(t, chartImage(), decodeWhole(t, file)); off > tolerance {
			t.Errorf("orientation %d: off by %v levels", orientation, off)
		}
	}
}

func TestPhonePhotoIsUprightAndInSRGB(t *testing.T) {
	file := phototest.Read(t, "test_exif_full.jpg") // 4032 x 3024, orientation 6, Display P3
	stored, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	want := grid(displayP3{rotated{stored}}, 12)
	unconverted := grid(rotated{stored}, 12)
	if d := distance(want, unconverted); d < 1.5 {
		t.Fatalf("the photo can't show a missing conversion: %.2f", d)
	}
	for _, v := range mustRender(t, file, preset(t, "photo")) {
		name := v.Name + v.Format.Extension()
		if v.Extent.Height <= v.Extent.Width {
			t.Errorf("%s: not upright: %v", name, v.Extent)
		}
		if d := distance(want, grid(decodeAny(t, v.Bytes), 12)); d > 0.8 {
			t.Errorf("%s: colors are off by %.2f levels", name, d)
		}
	}
}

func TestEveryOrientationComesOutTheSame(t *testing.T) {
	small := preset(t, "photo")
	small.Sizes = small.Sizes[:1]
	for _, shape := range []string{"Landscape", "Portrait"} {
		var want [][3]float64
		for orientation := 1; orientation <= 8; orientation++ {
			name := fmt.Sprintf("%s_%d.jpg", shape, orientation)
			variants := mustRender(t, phototest.Read(t, "exif/"+name), small)
			for _, format := range []media.Format{media.JPEG, media.AVIF} {
				got := grid(decodeAny(t, find(t, variants, "320", format).Bytes), 8)
				if want == nil {
					want = got
				}
				if d := distance(want, got); d > 3 {
					t.Errorf("%s as %s: differs by %.1f levels", name, format, d)
				}
			}
		}
	}
}

func TestHEICOfAPhone(t *testing.T) {
	// The iPhone's photo of two bottles: black in the middle left, yellow notes
	// below, a bright door above. Checked by eye once.
	small := preset(t, "photo")
	small.Sizes = small.Sizes[:1]
	img := decodeAny(t, find(t, mustRender(t, phototest.Read(t, "test.heic"), small), "320", media.WebP).Bytes)
	if size := img.Rect.Size(); size != (stdimage.Point{X: 320, Y: 427}) {
		t.Fatalf("got %v", size)
	}
	for _, test := range []struct {
		what string
		x, y int
		want [3]int
	}{
		{"bottle", 100, 190, [3]int{40, 40, 40}},
		{"note", 130, 390, [3]int{200, 185, 110}},
	} {
		c := img.NRGBAAt(test.x, test.y)
		for i, got := range []uint8{c.R, c.G, c.B} {
			if math.Abs(float64(got)-float64(test.want[i])) > 40 {
				t.Errorf("%s is %v", test.what, c)
				break
			}
		}
	}
}

func TestVariantsOfProfiledFilesAreInSRGBForEveryOrientation(t *testing.T) {
	s := p3Space()
	small := preset(t, "photo")
	small.Sizes = []media.Size{{Width: 256, Height: 256}}
	for orientation := 1; orientation <= 8; orientation++ {
		file := writeJPEG(t, chartImage(), extras{icc: s.profile("RGB "), exif: exifOf(orientation)})
		for _, v := range mustRender(t, file, small) {
			got := decodeAny(t, v.Bytes)
			upright := oriented(chartImage(), orientation)
			for y := 32; y < upright.Rect.Dy(); y += 64 {
				for x := 32; x < upright.Rect.Dx(); x += 64 {
					c, w := got.NRGBAAt(x, y), upright.NRGBAAt(x, y)
					want := inSRGB(s.pcs(float64(w.R)/255, float64(w.G)/255, float64(w.B)/255))
					if d := deltaE(want, sRGBSpace().pcs(float64(c.R)/255, float64(c.G)/255, float64(c.B)/255)); d > 4 {
						t.Errorf("orientation %d as %s: at %d,%d delta E is %.2f", orientation, v.Format, x, y, d)
					}
				}
			}
		}
	}
}
