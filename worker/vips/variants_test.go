//go:build !quick

package vips

import (
	"bytes"
	"fmt"
	stdimage "image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestEveryVariantHasTheWatermark(t *testing.T) {
	for name, original := range map[string]color.NRGBA{
		"opaque": {200, 100, 50, 255}, "half": {200, 100, 50, 128}, "transparent": {},
	} {
		file := encodePNG(t, uniform(1000, 750, original))
		for _, placed := range []struct {
			place media.Place
			x, y  float64 // a point on the mark, as parts of the variant
		}{{"north-west", 0.1, 0.1}, {"centre", 0.5, 0.5}, {"south", 0.5, 0.9}} {
			preset := preset(t, "photo")
			preset.Sizes = []media.Size{{Width: 160}, {Width: 320}, {Width: 640}, {Width: 960}} // cheaper than its own
			preset.Background = "#0000ff"
			preset = withWatermark(t, preset, media.Watermark{Place: placed.place, Width: 0.3, Opacity: 0.5, Margin: 0.02},
				uniform(600, 250, color.NRGBA{0, 255, 0, 255}))
			marked := over(original, color.NRGBA{0, 255, 0, 255}, 0.5)
			for _, v := range mustRender(t, file, preset) {
				name := fmt.Sprintf("%s, %s, %s%s", name, placed.place, v.Name, v.Format.Extension())
				got := decodeAny(t, v.Bytes)
				on := color.NRGBA{uint8(marked[0]), uint8(marked[1]), uint8(marked[2]), uint8(marked[3])}
				beside := original
				if v.Format == media.JPEG {
					for _, c := range []*color.NRGBA{&on, &beside} {
						flat := over(color.NRGBA{0, 0, 255, 255}, *c, 1)
						*c = color.NRGBA{uint8(flat[0]), uint8(flat[1]), uint8(flat[2]), 255}
					}
				}
				at := func(x, y float64) color.NRGBA {
					return got.NRGBAAt(int(x*float64(v.Extent.Width)), int(y*float64(v.Extent.Height)))
				}
				expectColor(t, name+": the mark", at(placed.x, placed.y), on)
				expectColor(t, name+": beside it", at(0.9, 0.3), beside)
			}
		}
	}
}

func TestBytesDoNotDependOnTheNumberOfProcessors(t *testing.T) {
	digests := make(map[string]string)
	for _, processors := range []string{"1", "2", "5"} {
		_, _, digests[processors] = inProcessOfItsOwn(t, phototest.Read(t, "test_exif_full.jpg"), "GOMAXPROCS="+processors)
	}
	if digests["1"] != digests["2"] || digests["2"] != digests["5"] {
		t.Errorf("the variants differ: %v", digests)
	}
}

func TestEverySizeIsAsSharpAsAReductionOfTheOriginal(t *testing.T) {
	photo := phototest.Read(t, "test_exif.jpg") // 3264 x 2448, upright
	decoded, err := jpeg.Decode(bytes.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	pixels := stdimage.NewNRGBA(decoded.Bounds())
	draw.Draw(pixels, pixels.Rect, decoded, decoded.Bounds().Min, draw.Src)
	plate := zonePlate(1600, 1200)
	for _, test := range []struct {
		name        string
		file        []byte
		pixels      *stdimage.NRGBA
		mean, worst float64 // levels of 255
		detail      float64 // of the reference's
	}{
		{"photo", photo, pixels, 0.7, 6, 0.97},
		{"zone plate", encodePNG(t, plate), plate, 0.9, 16, 0.98},
	} {
		info, err := Probe(test.file, media.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		r := &Rendering{original: info, preset: preset(t, "photo")}
		full := greenPlane(test.pixels)
		var master, larger *image
		for _, stage := range r.stages() {
			extent := stage.plan.Scaled
			var scaled *image
			if larger == nil {
				scaled, err = decode(test.file, info.Format, extent)
			} else {
				scaled, err = larger.resize(extent)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer scaled.free()
			larger = scaled
			if master == nil {
				master = scaled
			}
			direct, err := master.resize(extent)
			if err != nil {
				t.Fatal(err)
			}
			if soft := greenPlane(toGo(scaled)).detail() / greenPlane(toGo(direct)).detail(); soft < 0.99 {
				t.Errorf("%s %d: made from the next larger size it has %.3f of the detail", test.name, extent.Width, soft)
			}
			direct.free()
			got, want := greenPlane(toGo(scaled)), full.reduced(extent.Width).reduced(extent.Height)
			mean, worst := want.differences(got)
			detail := got.detail() / want.detail()
			t.Logf("%s %d: mean %.2f, worst %.0f, detail %.3f", test.name, extent.Width, mean, worst, detail)
			if mean > test.mean || worst > test.worst || detail < test.detail {
				t.Errorf("%s %d: mean %.2f, worst %.0f, detail %.3f", test.name, extent.Width, mean, worst, detail)
			}
		}
	}
}
