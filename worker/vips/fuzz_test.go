package vips

import (
	"errors"
	stdimage "image"
	"image/gif"
	"os"
	"path/filepath"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// fuzzLimits keep every file that is accepted cheap.
var fuzzLimits = media.Limits{Bytes: 1 << 20, Pixels: 1 << 18, Frames: 16}

// seed adds small files of every format, of every kind that a decoder treats
// in its own way, and some that are no image.
func seed(f *testing.F) {
	for _, name := range []string{
		"test.jpg", "test_exif_canon.jpg", "exif/Landscape_6.jpg", "corrupt.jpg", "test.png", "transparent.png",
		"test.webp", "test.gif", "test.avif", "test2.heic", "test.svg",
	} {
		f.Add(phototest.Read(f, name))
	}
	boxes, err := filepath.Glob("testdata/*/*.*i[cf]")
	if err != nil || len(boxes) == 0 {
		f.Fatalf("no files: %v", err)
	}
	for _, name := range boxes {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	drawn := encodePNG(f, disc(60))
	f.Add(drawn)
	f.Add(encodePNG(f, stdimage.NewNRGBA64(stdimage.Rect(0, 0, 9, 7))))
	for _, options := range []bimg.Options{
		{Type: bimg.JPEG}, {Type: bimg.JPEG, Interlace: true}, {Type: bimg.PNG, Interlace: true}, {Type: bimg.PNG, Palette: true},
		{Type: bimg.WEBP}, {Type: bimg.WEBP, Lossless: true}, {Type: bimg.GIF}, {Type: bimg.TIFF}, {Type: bimg.AVIF, Speed: 9},
	} {
		file, err := bimg.Resize(drawn, options)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
}

func FuzzProbe(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, file []byte) {
		info, err := Probe(file, fuzzLimits)
		var rejection *media.Rejection
		if err != nil && !errors.As(err, &rejection) {
			t.Errorf("not a rejection: %v", err)
		}
		if err == nil && (info.Upright.Pixels() < 1 || info.Upright.Pixels() > fuzzLimits.Pixels || info.Frames < 1) {
			t.Errorf("accepted as %+v", info)
		}
	})
}

func FuzzRender(f *testing.F) {
	seed(f)
	tiny := media.Preset{
		Name: "tiny", Fit: media.Inside, Background: "#ffffff",
		Sizes:    []media.Size{{Width: 16}, {Width: 64}},
		Encoders: []media.Encoder{{Format: media.JPEG, Quality: 50}},
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := Probe(file, fuzzLimits); err != nil {
			return
		}
		variants, _, err := render(file, tiny)
		var rejection *media.Rejection
		if err != nil && !errors.As(err, &rejection) {
			t.Errorf("not a rejection: %v", err)
		}
		if err == nil && len(variants) != 2 {
			t.Errorf("%d variants", len(variants))
		}
	})
}

func FuzzAnimation(f *testing.F) {
	small := stdimage.Rect(0, 0, 40, 30)
	moving := encodeGIF(f, gif.GIF{
		Image: []*stdimage.Paletted{flat(small, red), flat(stdimage.Rect(10, 10, 30, 20), blue), flat(small, none)},
		Delay: []int{5, 10, 0}, Disposal: []byte{gif.DisposalNone, gif.DisposalPrevious, gif.DisposalBackground},
	})
	tiny := media.Preset{
		Name: "tiny", Fit: media.Cover, Crop: media.Attention, Background: "#ffffff",
		Sizes:    []media.Size{{Width: 16, Height: 16}},
		Encoders: []media.Encoder{{Format: media.WebP, Quality: 50, Effort: 2}},
	}
	f.Add(moving)
	f.Add(mustRender(f, moving, tiny)[0].Bytes)
	f.Fuzz(func(t *testing.T, file []byte) {
		if info, err := Probe(file, fuzzLimits); err != nil || !info.Animated() {
			return
		}
		variants, _, err := render(file, tiny)
		var rejection *media.Rejection
		if err != nil && !errors.As(err, &rejection) {
			t.Errorf("not a rejection: %v", err)
		}
		if err == nil && len(variants) != 1 {
			t.Errorf("%d variants", len(variants))
		}
	})
}
