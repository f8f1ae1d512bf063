package vips

import (
	"fmt"
	stdimage "image"
	"testing"

	"github.com/presize/presize/internal/media"
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
