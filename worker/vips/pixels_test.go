package vips

import (
	stdimage "image"
	"image/color"
	"math"
	"testing"

	"github.com/presize/presize/internal/media"
)

// grid is the mean color of each cell of an image that is cut in n x n cells.
func grid(img stdimage.Image, n int) [][3]float64 {
	cells := make([][3]float64, n*n)
	b := img.Bounds()
	step := max(1, b.Dx()/1000) // large photos have more pixels than a mean needs
	for row := range n {
		for column := range n {
			var sum [3]float64
			count := 0.0
			for y := b.Min.Y + row*b.Dy()/n; y < b.Min.Y+(row+1)*b.Dy()/n; y += step {
				for x := b.Min.X + column*b.Dx()/n; x < b.Min.X+(column+1)*b.Dx()/n; x += step {
					r, g, b, _ := img.At(x, y).RGBA()
					sum[0] += float64(r) / 257
					sum[1] += float64(g) / 257
					sum[2] += float64(b) / 257
					count++
				}
			}
			for i := range sum {
				cells[row*n+column][i] = sum[i] / count
			}
		}
	}
	return cells
}

// distance is the mean absolute difference of two grids, in levels of 255.
func distance(a, b [][3]float64) float64 {
	sum := 0.0
	for i := range a {
		for band := range a[i] {
			sum += math.Abs(a[i][band]-b[i][band]) / 3
		}
	}
	return sum / float64(len(a))
}

// displayP3 is an image whose numbers mean Display P3, as sRGB. Both have the
// transfer function of IEC 61966-2-1 and D65 as their white.
type displayP3 struct{ stdimage.Image }

func (p displayP3) At(x, y int) color.Color {
	r, g, b, _ := p.Image.At(x, y).RGBA()
	linear := func(v uint32) float64 {
		c := float64(v) / 65535
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	level := func(c float64) uint8 {
		c = min(max(c, 0), 1)
		if c <= 0.0031308 {
			c *= 12.92
		} else {
			c = 1.055*math.Pow(c, 1/2.4) - 0.055
		}
		return uint8(math.Round(c * 255))
	}
	red, green, blue := linear(r), linear(g), linear(b)
	return color.NRGBA{ // the primaries of SMPTE EG 432-1 in those of ITU-R BT.709
		R: level(1.2249*red - 0.2247*green),
		G: level(-0.0420*red + 1.0419*green),
		B: level(-0.0197*red - 0.0786*green + 1.0979*blue),
		A: 255,
	}
}

// rotated is an image turned by 90 degrees clockwise, as EXIF orientation 6 asks for.
type rotated struct{ stdimage.Image }

func (r rotated) Bounds() stdimage.Rectangle {
	b := r.Image.Bounds()
	return stdimage.Rect(0, 0, b.Dy(), b.Dx())
}
func (r rotated) At(x, y int) color.Color { return r.Image.At(y, r.Image.Bounds().Dy()-1-x) }

// disc is opaque red on transparent green: wherever green shows, the color of
// invisible pixels has leaked.
func disc(size int) *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			c := color.NRGBA{G: 255}
			if math.Hypot(float64(x-size/2), float64(y-size/2)) < float64(size)/3 {
				c = color.NRGBA{R: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func TestTransparentEdgesHaveNoFringe(t *testing.T) {
	preset := preset(t, "photo")
	preset.Background = "#0000ff"
	variants := mustRender(t, encodePNG(t, disc(1000)), preset)
	for _, name := range []string{"320", "640"} {
		for _, format := range []media.Format{media.WebP, media.AVIF, media.JPEG} {
			img := decodeAny(t, find(t, variants, name, format).Bytes)
			fringe := 0
			for at := 0; at < len(img.Pix); at += 4 {
				if green, alpha := int(img.Pix[at+1]), int(img.Pix[at+3]); green*alpha > 60*255 {
					fringe++
				}
			}
			if fringe > 0 {
				t.Errorf("%s %s: %d pixels with a fringe", name, format, fringe)
			}
			corner := img.NRGBAAt(0, 0)
			if format == media.JPEG && (corner.B < 250 || corner.R > 5) {
				t.Errorf("%s: JPEG is not on the preset's background: %v", name, corner)
			}
			if format != media.JPEG && corner.A != 0 {
				t.Errorf("%s %s: corner is not transparent: %v", name, format, corner)
			}
		}
	}
}

func TestPlaceholderShowsTheImage(t *testing.T) {
	solid := stdimage.NewNRGBA(stdimage.Rect(0, 0, 400, 300))
	for at := range solid.Pix {
		solid.Pix[at] = []uint8{0x20, 0x80, 0xc0, 0xff}[at%4]
	}
	_, placeholder, err := render(encodePNG(t, solid), preset(t, "photo"))
	if err != nil {
		t.Fatal(err)
	}
	if placeholder.Color != "#2080c0" || len(placeholder.ThumbHash) < 8 {
		t.Errorf("got %+v", placeholder)
	}
}
