package vips

import (
	"bytes"
	stdimage "image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
)

// TestFramesGiveWayToTransparency takes frames without a transparent color, which browsers clear to
// transparent too, whatever the background color of the file.
func TestFramesGiveWayToTransparency(t *testing.T) {
	area := stdimage.Rect(0, 0, 96, 72)
	for name, colors := range map[string]color.Palette{
		"four colors": {red, green, blue, white}, "216 colors": palette.WebSafe, "all colors in use": palette.Plan9,
	} {
		paint := func(area stdimage.Rectangle, c color.Color) *stdimage.Paletted {
			img := stdimage.NewPaletted(area, colors)
			draw.Draw(img, area, stdimage.NewUniform(c), stdimage.Point{}, draw.Src)
			for i := range min(len(img.Pix), len(colors)) { // the first rows
				img.Pix[i] = uint8(i)
			}
			return img
		}
		file := encodeGIF(t, gif.GIF{
			Image: []*stdimage.Paletted{
				paint(area, red), paint(stdimage.Rect(16, 16, 64, 64), blue), paint(stdimage.Rect(0, 0, 16, 64), white),
			},
			Delay: []int{5, 5, 5}, Disposal: []byte{gif.DisposalBackground, gif.DisposalBackground, gif.DisposalNone},
		})
		got := parseAnimation(t, find(t, mustRender(t, file, preset(t, "photo")), "320", media.WebP).Bytes)
		if got == nil || len(got.frames) != 3 {
			t.Fatalf("%s: got %+v", name, got)
		}
		for i, places := range []map[stdimage.Point]color.NRGBA{
			{{80, 60}: red, {40, 40}: red, {8, 56}: red},
			{{80, 60}: none, {40, 40}: blue, {8, 56}: none},
			{{80, 60}: none, {40, 40}: none, {8, 56}: white},
		} {
			for place, c := range places {
				expectColor(t, name+": frame "+string(rune('0'+i))+" at "+place.String(), got.frames[i].NRGBAAt(place.X, place.Y), c)
			}
		}
	}
}

// The two reds are a level apart, and the only ones that are alike.
func TestOfAllColorsInUseTheMostAlikeGivesWay(t *testing.T) {
	var colors color.Palette
	for i := range 254 {
		colors = append(colors, color.NRGBA{uint8(i % 6 * 40), uint8(i / 6 % 6 * 40), uint8(i / 36 * 30), 255})
	}
	colors = append(colors, color.NRGBA{251, 5, 5, 255}, color.NRGBA{252, 5, 5, 255})
	img := stdimage.NewPaletted(stdimage.Rect(0, 0, 16, 16), colors)
	for i := range img.Pix {
		img.Pix[i] = uint8(i)
	}
	file := encodeGIF(t, gif.GIF{
		Image: []*stdimage.Paletted{img, img}, Delay: []int{5, 5}, Disposal: []byte{gif.DisposalBackground, gif.DisposalNone},
	})
	for block := range gifBlocks(clearedToTransparent(file)) {
		if block.isControl() {
			if block.bytes[gifPacked]&gifHasTransparent == 0 || block.bytes[gifTransparent] < 254 {
				t.Errorf("the transparent color is %d", block.bytes[gifTransparent])
			}
			return // the second frame stays
		}
	}
	t.Error("no control")
}

func TestAGIFThatIsNeverClearedStaysAsItIs(t *testing.T) {
	opaque := stdimage.NewPaletted(stdimage.Rect(0, 0, 8, 8), palette.WebSafe)
	file := encodeGIF(t, gif.GIF{Image: []*stdimage.Paletted{opaque}, Delay: []int{5}, Disposal: []byte{gif.DisposalBackground}})
	original, err := Probe(file, media.DefaultLimits())
	if err != nil || original.alpha {
		t.Errorf("got %+v, %v: want no alpha", original.Info, err)
	}
}

// FuzzClearedGIF looks for files of which the blocks are not followed right.
func FuzzClearedGIF(f *testing.F) {
	for _, colors := range []color.Palette{{red, blue}, palette.Plan9} {
		img := stdimage.NewPaletted(stdimage.Rect(0, 0, 16, 16), colors)
		for i := range img.Pix {
			img.Pix[i] = uint8(i % len(colors))
		}
		f.Add(encodeGIF(f, gif.GIF{
			Image: []*stdimage.Paletted{img, img}, Delay: []int{5, 5}, Disposal: []byte{gif.DisposalBackground, gif.DisposalNone},
		}))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		cleared := clearedToTransparent(file)
		if again := clearedToTransparent(cleared); !bytes.Equal(again, cleared) {
			t.Error("a second time it changes once more")
		}
		if before, after := len(slices.Collect(gifBlocks(file))), len(slices.Collect(gifBlocks(cleared))); before != after {
			t.Errorf("%d blocks, where %d were", after, before)
		}
	})
}
