package vips

import (
	"bytes"
	"errors"
	stdimage "image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// flat is a picture of one color.
func flat(area stdimage.Rectangle, c color.Color) *stdimage.Paletted {
	img := stdimage.NewPaletted(area, append(palette.WebSafe, color.Transparent))
	draw.Draw(img, area, stdimage.NewUniform(c), stdimage.Point{}, draw.Src)
	return img
}

func encodeGIF(t testing.TB, g gif.GIF) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	red   = color.NRGBA{R: 255, A: 255}
	green = color.NRGBA{G: 255, A: 255}
	blue  = color.NRGBA{B: 255, A: 255}
	white = color.NRGBA{R: 255, G: 255, B: 255, A: 255}
	none  = color.NRGBA{}
)

// patches is an animation of parts that stay, go, and uncover what was before.
func patches(t testing.TB, loop int) []byte {
	return encodeGIF(t, gif.GIF{
		Image: []*stdimage.Paletted{
			flat(stdimage.Rect(0, 0, 400, 300), red),
			flat(stdimage.Rect(100, 100, 300, 200), blue),
			flat(stdimage.Rect(0, 0, 100, 100), green),
			flat(stdimage.Rect(300, 200, 400, 300), white),
		},
		Delay:     []int{5, 10, 300, 7}, // hundredths of a second
		Disposal:  []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalBackground, gif.DisposalNone},
		LoopCount: loop,
	})
}

func expectColor(t *testing.T, what string, got, want color.NRGBA) {
	t.Helper()
	if got.A == 0 && want.A == 0 {
		return
	}
	for i, level := range [4]uint8{got.R, got.G, got.B, got.A} {
		if math.Abs(float64(level)-float64([4]uint8{want.R, want.G, want.B, want.A}[i])) > 12 {
			t.Errorf("%s is %v, want %v", what, got, want)
			return
		}
	}
}

func TestAnimationKeepsItsFramesTimingAndLoops(t *testing.T) {
	// GIF says how often to repeat, WebP how often to play. Go's -1 is no repetition.
	photo := preset(t, "photo")
	photo.Encoders = []media.Encoder{{Format: media.WebP, Quality: 80, Effort: 1}}
	for loop, plays := range map[int]int{0: 0, -1: 1, 3: 4} {
		variants := mustRender(t, patches(t, loop), photo)
		for _, name := range []string{"320", "640", "1280", "1920"} {
			got := parseAnimation(t, find(t, variants, name, media.WebP).Bytes)
			if got == nil || got.plays != plays || !slices.Equal(got.delays, []int{50, 100, 3000, 70}) {
				t.Errorf("%s of loop %d: got %+v", name, loop, got)
			}
		}
	}
}

func TestEveryFrameIsWhatAViewerSees(t *testing.T) {
	want := []map[stdimage.Point]color.NRGBA{ // by the place in 400 x 300
		{{200, 150}: red, {50, 50}: red, {350, 250}: red},
		{{200, 150}: blue, {50, 50}: red, {350, 250}: red, {105, 105}: blue, {95, 105}: red},
		{{200, 150}: red, {50, 50}: green, {350, 250}: red},
		{{200, 150}: red, {50, 50}: none, {350, 250}: white},
	}
	original := patches(t, 0)
	fromGIF := mustRender(t, original, preset(t, "photo"))
	fromWebP := mustRender(t, find(t, fromGIF, "640", media.WebP).Bytes, preset(t, "photo"))
	for from, variants := range map[string][]Variant{"GIF": fromGIF, "WebP": fromWebP} {
		for name, extent := range map[string]media.Extent{"320": {Width: 320, Height: 240}, "1920": {Width: 400, Height: 300}} {
			v := find(t, variants, name, media.WebP)
			got := parseAnimation(t, v.Bytes)
			if v.Extent != extent || got == nil || len(got.frames) != len(want) {
				t.Fatalf("%s of %s: got %v, %+v", name, from, v.Extent, got)
			}
			for i, places := range want {
				if size := got.frames[i].Rect.Size(); size != (stdimage.Point{X: extent.Width, Y: extent.Height}) {
					t.Errorf("%s of %s: frame %d is %v", name, from, i, size)
				}
				for place, c := range places {
					place = place.Mul(extent.Width).Div(400)
					expectColor(t, name+" of "+from+": frame "+string(rune('0'+i))+" at "+place.String(), got.frames[i].NRGBAAt(place.X, place.Y), c)
				}
			}
			for _, format := range []media.Format{media.JPEG, media.AVIF} {
				expectColor(t, name+" as "+format.Name(), decodeAny(t, find(t, variants, name, format).Bytes).NRGBAAt(150, 120), red)
			}
		}
	}
}

// drawn is an animation of squares in few colors.
func drawn(t testing.TB, size stdimage.Point) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var g gif.GIF
	for range 4 {
		frame := flat(stdimage.Rectangle{Max: size}, white)
		for at := range frame.Pix {
			x, y := at%size.X, at/size.X
			if x%4 == 0 && y%4 == 0 {
				c := []color.Color{red, green, blue}[random.IntN(3)]
				draw.Draw(frame, stdimage.Rect(x, y, x+4, y+4), stdimage.NewUniform(c), stdimage.Point{}, draw.Src)
			}
		}
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 10)
	}
	return encodeGIF(t, g)
}

func TestDrawnAnimationIsLosslessWhereThatIsSmaller(t *testing.T) {
	file := drawn(t, stdimage.Pt(400, 300))
	variants := mustRender(t, file, preset(t, "photo"))
	whole := find(t, variants, "640", media.WebP)
	if len(whole.Bytes) > len(file) {
		t.Errorf("a GIF of %d bytes became a WebP of %d", len(file), len(whole.Bytes))
	}
	got, want := parseAnimation(t, whole.Bytes), parseGIF(t, file)
	if len(got.frames) != len(want.Image) {
		t.Fatalf("%d frames, want %d", len(got.frames), len(want.Image))
	}
	for number, frame := range want.Image {
		for at := range frame.Pix {
			x, y := at%400, at/400
			if exact := color.NRGBAModel.Convert(frame.At(x, y)); got.frames[number].NRGBAAt(x, y) != exact {
				t.Fatalf("frame %d at %d, %d is %v, want %v", number, x, y, got.frames[number].NRGBAAt(x, y), exact)
			}
		}
	}
	for what, encoded := range map[string][]byte{
		"scaled down":                   find(t, variants, "320", media.WebP).Bytes,
		"a photo, smaller than its GIF": find(t, mustRender(t, filmed(t), preset(t, "photo")), "640", media.WebP).Bytes,
	} {
		if bytes.Contains(encoded, []byte("VP8L")) {
			t.Errorf("%s: lossless", what)
		}
	}
}

// filmed is an animation of a photo.
func filmed(t testing.TB) []byte {
	photo := decodeAny(t, phototest.Read(t, "test_square.jpg"))
	var g gif.GIF
	for number := range 3 {
		frame := stdimage.NewPaletted(stdimage.Rect(0, 0, 200, 150), palette.Plan9)
		draw.FloydSteinberg.Draw(frame, frame.Rect, photo, stdimage.Pt(4*number, 0))
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 10)
	}
	return encodeGIF(t, g)
}

func parseGIF(t testing.TB, file []byte) *gif.GIF {
	t.Helper()
	g, err := gif.DecodeAll(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFramesDoNotShowTheirNeighbours(t *testing.T) {
	area := stdimage.Rect(0, 0, 1000, 700)
	colors := []color.NRGBA{red, green, blue, white, red}
	var g gif.GIF
	for _, c := range colors {
		g.Image, g.Delay = append(g.Image, flat(area, c)), append(g.Delay, 20)
	}
	got := parseAnimation(t, find(t, mustRender(t, encodeGIF(t, g), preset(t, "photo")), "320", media.WebP).Bytes)
	for i, frame := range got.frames {
		for _, y := range []int{0, 1, 222, 223} {
			expectColor(t, "edge", frame.NRGBAAt(160, y), colors[i])
		}
	}
}

func TestOneFrameIsAStillImage(t *testing.T) {
	area := stdimage.Rect(0, 0, 40, 30)
	oneGIF := encodeGIF(t, gif.GIF{Image: []*stdimage.Paletted{flat(area, red)}, Delay: []int{10}})
	encoded, err := bimg.Resize(oneGIF, bimg.Options{Type: bimg.WEBP})
	if err != nil {
		t.Fatal(err)
	}
	pixels := slices.DeleteFunc(readChunks(t, encoded[12:]), func(c chunk) bool { return c.name == "VP8X" })
	header := slices.Concat(make([]byte, 6), uint24(39), uint24(29), uint24(100), []byte{0})
	oneWebP := joinWebP(extended(flagAnimation, area.Size()), chunk{"ANIM", make([]byte, 6)},
		chunk{"ANMF", append(header, writeChunks(pixels...)...)})
	for name, file := range map[string][]byte{"GIF": oneGIF, "WebP": oneWebP} {
		info, err := Probe(file, media.Limits{Bytes: 1 << 20, Pixels: 1200, Frames: 1})
		if err != nil || info.Frames != 1 || info.Animated() {
			t.Errorf("%s: got %+v, %v", name, info, err)
		}
		variant := find(t, mustRender(t, file, preset(t, "photo")), "320", media.WebP)
		if parseAnimation(t, variant.Bytes) != nil {
			t.Errorf("%s is animated", name)
		}
		expectColor(t, name, decodeAny(t, variant.Bytes).NRGBAAt(20, 15), red)
	}
}

func TestRejectedAnimations(t *testing.T) {
	photo := phototest.Read(t, "test.gif") // 24 frames of 703 x 681
	webp := find(t, mustRender(t, patches(t, 0), preset(t, "photo")), "640", media.WebP).Bytes
	const pixels = 24 * 703 * 681
	for name, test := range map[string]struct {
		file   []byte
		limits media.Limits
		want   media.Code // "" if it is accepted
	}{
		"as many frames as allowed":        {webp, media.Limits{Bytes: 1e9, Pixels: 1e9, Frames: 4}, ""},
		"one frame over":                   {webp, media.Limits{Bytes: 1e9, Pixels: 1e9, Frames: 3}, media.TooManyFrames},
		"as many pixels as allowed":        {photo, media.Limits{Bytes: 1e9, Pixels: pixels, Frames: 24}, ""},
		"one pixel over":                   {photo, media.Limits{Bytes: 1e9, Pixels: pixels - 1, Frames: 24}, media.TooManyPixels},
		"half a GIF":                       {photo[:len(photo)/2], media.DefaultLimits(), media.Truncated},
		"GIF without its last frame's end": {photo[:len(photo)-5000], media.DefaultLimits(), media.Truncated},
		"GIF without its trailer":          {photo[:len(photo)-1], media.DefaultLimits(), ""},
		"half a WebP":                      {webp[:len(webp)/2], media.DefaultLimits(), media.Truncated},
		"WebP without its end":             {webp[:len(webp)-20], media.DefaultLimits(), media.Truncated},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Probe(test.file, test.limits)
			if err == nil {
				_, _, err = render(test.file, preset(t, "avatar"))
			}
			var rejection *media.Rejection
			if errors.As(err, &rejection) != (test.want != "") || rejection != nil && rejection.Code != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSameAnimationGivesTheSameBytes(t *testing.T) {
	file := patches(t, 2)
	want := mustRender(t, file, preset(t, "avatar"))
	for _, v := range mustRender(t, file, preset(t, "avatar")) {
		if !bytes.Equal(v.Bytes, find(t, want, v.Name, v.Format).Bytes) {
			t.Errorf("%s%s differs", v.Name, v.Format.Extension())
		}
	}
}

// libvips takes some sizes of the logical screen for wrong, and makes what no frame covers black.
func TestCanvasOfAGIFIsItsLogicalScreen(t *testing.T) {
	for _, screen := range []stdimage.Point{{640, 480}, {800, 600}, {2100, 40}, {333, 222}} {
		frame := flat(stdimage.Rect(10, 10, 40, 30), red)
		file := encodeGIF(t, gif.GIF{
			Image: []*stdimage.Paletted{frame, flat(stdimage.Rect(20, 10, 40, 30), blue)}, Delay: []int{20, 30},
			Config: stdimage.Config{ColorModel: frame.Palette, Width: screen.X, Height: screen.Y},
		})
		original, err := Probe(file, media.DefaultLimits())
		if err != nil || original.Frames != 2 {
			t.Fatalf("%v: %+v, %v", screen, original.Info, err)
		}
		got := decodeWhole(t, file)
		if got.Rect.Size() != screen || got.NRGBAAt(5, 5).A != 0 || got.NRGBAAt(15, 15) != red {
			t.Errorf("%v: %v, outside %v, inside %v", screen, got.Rect.Size(), got.NRGBAAt(5, 5), got.NRGBAAt(15, 15))
		}
	}
}
