package vips

import (
	"bytes"
	"errors"
	"fmt"
	stdimage "image"
	"image/color"
	"image/draw"
	"image/gif"
	"math"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// withWatermark is a preset whose variants carry a picture.
func withWatermark(t testing.TB, preset media.Preset, settings media.Watermark, picture stdimage.Image) media.Preset {
	t.Helper()
	settings.PNG = encodePNG(t, picture)
	preset.Watermark = &settings
	return preset
}

// uniform is a picture of one color.
func uniform(width, height int, c color.NRGBA) *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, width, height))
	draw.Draw(img, img.Rect, stdimage.NewUniform(c), stdimage.Point{}, draw.Src)
	return img
}

// ramp has every combination of 16 levels and 16 opacities.
func ramp() *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, 16, 16))
	for y := range 16 {
		for x := range 16 {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(17 * x), G: uint8(255 - 17*x), B: uint8(x * y), A: uint8(17 * y)})
		}
	}
	return img
}

// over is what a pixel looks like with another one over it, of which only a part
// shows. Bands are from 0 to 255, and 0 where nothing can be seen.
func over(under, on color.NRGBA, opacity float64) (out [4]float64) {
	cover := float64(on.A) / 255 * opacity
	behind := float64(under.A) / 255
	out[3] = 255 - 255*(1-cover)*(1-behind)
	if out[3] == 0 {
		return out
	}
	for i, pair := range [][2]uint8{{on.R, under.R}, {on.G, under.G}, {on.B, under.B}} {
		premultiplied := float64(pair[0])*cover + float64(pair[1])*behind*(1-cover)
		out[i] = premultiplied / (out[3] / 255)
	}
	return out
}

// off is how far a pixel is from what it should be, in levels. Where it can't be
// seen, its color does not matter.
func off(got color.NRGBA, want [4]float64) (worst float64) {
	if got.A == 0 && want[3] == 0 {
		return 0
	}
	for i, level := range [4]uint8{got.R, got.G, got.B, got.A} {
		worst = max(worst, math.Abs(float64(level)-want[i]))
	}
	return worst
}

func TestWatermarkIsLaidOverEveryPixelExactly(t *testing.T) {
	opaqueRamp := ramp()
	for at := 3; at < len(opaqueRamp.Pix); at += 4 {
		opaqueRamp.Pix[at] = 255
	}
	backgrounds := map[string]*stdimage.NRGBA{
		"opaque":      uniform(20, 18, color.NRGBA{200, 100, 50, 255}),
		"half":        uniform(20, 18, color.NRGBA{200, 100, 50, 128}),
		"transparent": uniform(20, 18, color.NRGBA{200, 100, 50, 0}),
	}
	for name, background := range backgrounds {
		for _, picture := range []*stdimage.NRGBA{ramp(), opaqueRamp} {
			for _, opacity := range []float64{1, 0.5, 0.01} {
				settings := media.Watermark{Place: "south-east", Width: 1, Opacity: opacity, Margin: 0.05, PNG: encodePNG(t, picture)}
				w, err := newWatermark(&settings)
				if err != nil {
					t.Fatal(err)
				}
				decoded, err := decode(encodePNG(t, background), media.PNG, media.Extent{Width: 20, Height: 18})
				if err != nil {
					t.Fatal(err)
				}
				m, err := w.mark(decoded.Extent)
				if err != nil {
					t.Fatal(err)
				}
				marked, err := decoded.marked(m)
				if err != nil {
					t.Fatal(err)
				}
				if marked.bands != decoded.bands {
					t.Errorf("%s: %d bands became %d", name, decoded.bands, marked.bands)
				}
				got := toGo(marked)
				corner := stdimage.Pt(20-1-16, 18-1-16) // a margin of 5 % of 18
				for y := range 18 {
					for x := range 20 {
						want := over(background.NRGBAAt(x, y), picture.NRGBAAt(x-corner.X, y-corner.Y), opacity)
						if d := off(got.NRGBAAt(x, y), want); d > 0.501 {
							t.Fatalf("%s, opacity %v: at %d,%d got %v, want %.1f", name, opacity, x, y, got.NRGBAAt(x, y), want)
						}
					}
				}
				if toGo(decoded).NRGBAAt(10, 10) != background.NRGBAAt(10, 10) && name != "transparent" {
					t.Errorf("%s: the image without the watermark has changed", name)
				}
			}
		}
	}
}

func TestEveryFrameHasTheWatermark(t *testing.T) {
	area := stdimage.Rect(0, 0, 300, 200)
	file := encodeGIF(t, gif.GIF{
		Image: []*stdimage.Paletted{flat(area, red), flat(area, white), flat(area, none)}, Delay: []int{10, 10, 10},
		Disposal: []byte{gif.DisposalNone, gif.DisposalBackground, gif.DisposalNone},
	})
	for _, name := range []string{"photo", "avatar"} { // as it is, and cropped
		preset := withWatermark(t, preset(t, name), media.Watermark{Place: "east", Width: 0.5, Opacity: 1}, uniform(400, 400, blue))
		for _, v := range mustRender(t, file, preset) {
			if v.Format != media.WebP {
				continue
			}
			animation := parseAnimation(t, v.Bytes)
			if animation == nil || len(animation.frames) != 3 {
				t.Fatalf("%s %s: got %+v", name, v.Name, animation)
			}
			for i, background := range []color.NRGBA{red, white, none} {
				what := fmt.Sprintf("%s %s, frame %d", name, v.Name, i)
				expectColor(t, what+": the mark", animation.frames[i].NRGBAAt(v.Extent.Width*3/4, v.Extent.Height/2), blue)
				expectColor(t, what+": beside it", animation.frames[i].NRGBAAt(v.Extent.Width/4, v.Extent.Height/2), background)
			}
		}
	}
}

func TestWatermarkOfAnySizeFitsOnVariantsOfAnySize(t *testing.T) {
	for _, size := range []stdimage.Point{{1, 1}, {2, 2}, {1, 3000}, {3000, 1}, {3000, 7}, {40, 30}} {
		file := encodePNG(t, stdimage.NewNRGBA(stdimage.Rectangle{Max: size}))
		for _, picture := range []stdimage.Point{{1, 1}, {2048, 1}, {1, 2048}, {700, 300}} {
			for _, name := range []string{"photo", "card"} {
				preset := preset(t, name)
				preset.Encoders = []media.Encoder{{Format: media.WebP, Quality: 80}, {Format: media.JPEG, Quality: 80}}
				preset = withWatermark(t, preset, media.Watermark{Place: "south-east", Width: 1, Opacity: 1, Margin: 0.4}, uniform(picture.X, picture.Y, red))
				if variants := mustRender(t, file, preset); len(variants) != 2*len(preset.Sizes) {
					t.Errorf("%v on %v: %d variants", picture, size, len(variants))
				}
			}
		}
	}
}

func TestWatermarkIsScaledFromItsOwnSize(t *testing.T) {
	rings := stdimage.NewNRGBA(stdimage.Rect(0, 0, 1000, 500)) // the further out, the finer
	for y := range 500 {
		for x := range 1000 {
			v := uint8(127.5 + 127.5*math.Sin(math.Pow(math.Hypot(float64(x-500), float64(y-250))/30, 2)))
			rings.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	settings := media.Watermark{Place: "centre", Width: 0.5, Opacity: 1, PNG: encodePNG(t, rings)}
	w, err := newWatermark(&settings)
	if err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{1900, 640, 320} {
		m, err := w.mark(media.Extent{Width: width, Height: width})
		if err != nil {
			t.Fatal(err)
		}
		got, want := greenPlane(toGo(m.image)), greenPlane(rings).reduced(width/2).reduced(width/4)
		mean, _ := want.differences(got)
		t.Logf("at %d: off by %.2f levels, with %.3f of the detail", width, mean, got.detail()/want.detail())
		if mean > 3 || got.detail() < 0.9*want.detail() {
			t.Errorf("at %d: not sharp", width)
		}
	}
}

func TestWatermarkIsConvertedToSRGB(t *testing.T) {
	s := p3Space()
	settings := media.Watermark{Place: "centre", Width: 1, Opacity: 1, PNG: writePNG(t, chartImage(), extras{icc: s.profile("RGB ")})}
	w, err := newWatermark(&settings)
	if err != nil {
		t.Fatal(err)
	}
	checkColors(t, "watermark in Display P3", s, chartImage(), toGo(w.image), exact)
}

func TestPlaceholderIsWithoutTheWatermark(t *testing.T) {
	file := phototest.Read(t, "test.jpg")
	_, want, err := render(file, preset(t, "avatar"))
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := render(file, withWatermark(t, preset(t, "avatar"), media.Watermark{Place: "centre", Width: 1, Opacity: 1}, uniform(500, 500, red)))
	if err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestBrokenWatermarkIsNotTheOriginalsFault(t *testing.T) {
	whole := encodePNG(t, ramp())
	for name, broken := range map[string][]byte{"half": whole[:len(whole)/2], "no PNG": []byte("<svg/>"), "changed": bytes.Replace(whole, []byte("IDAT"), []byte("IDAx"), 1)} {
		marked := tiny()
		marked.Watermark = &media.Watermark{Image: "logo.png", Place: "centre", Width: 1, Opacity: 1, PNG: broken}
		_, _, err := render(phototest.Read(t, "test.jpg"), marked)
		var rejection *media.Rejection
		if err == nil || errors.As(err, &rejection) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
