package vips

import (
	"bytes"
	stdimage "image"
	"image/color"
	"image/draw"
	"image/gif"
	"slices"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestGreyAnimationComesOutInSRGB(t *testing.T) {
	area := stdimage.Rect(0, 0, 40, 30)
	for name, colors := range map[string]color.Palette{
		"opaque":      {color.Gray{Y: 0}, color.Gray{Y: 200}},
		"transparent": {color.Transparent, color.Gray{Y: 200}},
	} {
		first, second := stdimage.NewPaletted(area, colors), stdimage.NewPaletted(area, colors)
		draw.Draw(second, area, stdimage.NewUniform(colors[1]), stdimage.Point{}, draw.Src)
		file := encodeGIF(t, gif.GIF{Image: []*stdimage.Paletted{first, second}, Delay: []int{20, 20}})
		got := parseAnimation(t, find(t, mustRender(t, file, preset(t, "avatar")), "64", media.WebP).Bytes)
		expectColor(t, name+" first frame", got.frames[0].NRGBAAt(15, 15), color.NRGBAModel.Convert(colors[0]).(color.NRGBA))
		expectColor(t, name+" second frame", got.frames[1].NRGBAAt(15, 15), color.NRGBA{R: 200, G: 200, B: 200, A: 255})
	}
}

func TestEveryFrameIsCroppedLikeTheFirst(t *testing.T) {
	// Only the first frame has something to look at, far on the right.
	area := stdimage.Rect(0, 0, 900, 300)
	first, second := flat(area, white), flat(area, blue)
	for x := 700; x < 800; x += 10 {
		for y := 100; y < 200; y += 10 {
			c := color.Color(red)
			if (x+y)%20 == 0 {
				c = green
			}
			draw.Draw(first, stdimage.Rect(x, y, x+10, y+10), stdimage.NewUniform(c), stdimage.Point{}, draw.Src)
		}
	}
	draw.Draw(second, stdimage.Rect(600, 0, 900, 300), stdimage.NewUniform(green), stdimage.Point{}, draw.Src)
	file := encodeGIF(t, gif.GIF{Image: []*stdimage.Paletted{first, second}, Delay: []int{20, 20}})
	variants := mustRender(t, file, preset(t, "avatar"))
	for _, name := range []string{"64", "128", "256"} {
		v := find(t, variants, name, media.WebP)
		got := parseAnimation(t, v.Bytes)
		jpeg := decodeAny(t, find(t, variants, name, media.JPEG).Bytes)
		if d := distance(grid(jpeg, 16), grid(got.frames[0], 16)); d > 4 {
			t.Errorf("%s: the first frame is %.1f levels from the JPEG", name, d)
		}
		expectColor(t, name+": the middle of the second frame", got.frames[1].NRGBAAt(v.Extent.Width*2/3, v.Extent.Height/2), green)
	}
	card := find(t, mustRender(t, file, preset(t, "card")), "400", media.WebP) // the middle 533 of 900 columns
	frame := parseAnimation(t, card.Bytes).frames[1]
	expectColor(t, "card left of the edge", frame.NRGBAAt(card.Extent.Width*3/4, 10), blue)
	expectColor(t, "card right of the edge", frame.NRGBAAt(card.Extent.Width*9/10, 10), green)
}

// movingPhoto is an animated WebP of a phone photo, lying on its side and in
// Display P3 as the phone stored it, and then nothing but green.
func movingPhoto(t testing.TB) (file []byte, stored stdimage.Image) {
	t.Helper()
	encode := func(img []byte, options bimg.Options) []chunk {
		options.Type, options.Quality, options.NoAutoRotate = bimg.WEBP, 95, true
		encoded, err := bimg.Resize(img, options)
		if err != nil {
			t.Fatal(err)
		}
		return readChunks(t, encoded[12:])
	}
	photo := encode(phototest.Read(t, "test_exif_full.jpg"), bimg.Options{Width: 400, Height: 300, Force: true})
	plain := encode(encodePNG(t, flat(stdimage.Rect(0, 0, 400, 300), green)), bimg.Options{})
	size := stdimage.Pt(400, 300)
	part := func(chunks []chunk, name string) chunk {
		for _, c := range chunks {
			if c.name == name {
				return c
			}
		}
		t.Fatalf("no %s", name)
		return chunk{}
	}
	frame := func(chunks []chunk, delay int) chunk {
		const overwrite = 2
		header := slices.Concat(make([]byte, 6), uint24(size.X-1), uint24(size.Y-1), uint24(delay), []byte{overwrite})
		return chunk{"ANMF", append(header, writeChunks(part(chunks, "VP8 "))...)}
	}
	file = joinWebP(
		extended(flagAnimation|flagEXIF|flagICC, size), part(photo, "ICCP"),
		chunk{"ANIM", make([]byte, 6)}, frame(photo, 1000), frame(plain, 250), part(photo, "EXIF"),
	)
	return file, decodeAny(t, joinWebP(part(photo, "VP8 ")))
}

func TestAnimatedPhoneWebPIsUprightAndInSRGB(t *testing.T) {
	file, stored := movingPhoto(t)
	want := grid(displayP3{rotated{stored}}, 12)
	v := find(t, mustRender(t, file, preset(t, "photo")), "320", media.WebP)
	got := parseAnimation(t, v.Bytes)
	if v.Extent != (media.Extent{Width: 300, Height: 400}) || len(got.frames) != 2 || !slices.Equal(got.delays, []int{1000, 250}) {
		t.Fatalf("got %v, %d frames, %v", v.Extent, len(got.frames), got.delays)
	}
	if d := distance(want, grid(got.frames[0], 12)); d > 0.8 {
		t.Errorf("colors are off by %.2f levels", d)
	}
	if bytes.Contains(v.Bytes, []byte("ICCP")) || bytes.Contains(v.Bytes, []byte("EXIF")) {
		t.Error("metadata is left")
	}
}
