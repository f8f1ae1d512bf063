//go:build !quick

package vips

import (
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// TestMemoryStaysFlat renders and rejects 1,000 files each. If only one decoded
// image of each leaked, 6 KiB at least, that would add up to more than the bound;
// what the allocators keep of so many threads is well below it.
func TestMemoryStaysFlat(t *testing.T) {
	const (
		rounds = 1000
		bound  = 5000 << 10
	)
	drawn := encodePNG(t, disc(96))
	var good, bad [][]byte
	for _, options := range []bimg.Options{
		{Type: bimg.PNG}, {Type: bimg.JPEG}, {Type: bimg.JPEG, Interlace: true}, {Type: bimg.WEBP}, {Type: bimg.GIF},
		{Type: bimg.TIFF}, {Type: bimg.AVIF, Speed: 9}, {Type: bimg.PNG, Interlace: true},
	} {
		file, err := bimg.Resize(drawn, options)
		if err != nil {
			t.Fatal(err)
		}
		good = append(good, file)
		bad = append(bad, file[:len(file)*2/3], file[:20])
	}
	for _, name := range []string{"cases/10-bit.avif", "heif/rotated.heic", "cases/alpha-auxiliary.heic"} {
		file, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		good = append(good, file)
		bad = append(bad, file[:len(file)*2/3], file[:20])
	}
	marked := withWatermark(t, tiny(), media.Watermark{Place: "south-east", Width: 0.5, Opacity: 0.5}, disc(64))
	both := func(round int) {
		if _, _, err := render(good[round%len(good)], marked); err != nil {
			t.Fatal(err)
		}
		var rejection *media.Rejection
		if _, _, err := render(bad[round%len(bad)], tiny()); !errors.As(err, &rejection) {
			t.Fatalf("not rejected: %v", err)
		}
	}
	resident := func() int64 {
		debug.FreeOSMemory()
		bytes, err := status("VmRSS")
		if err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	for round := range rounds / 4 { // until every pool and thread is there
		both(round)
	}
	before := resident()
	for round := range rounds {
		both(round)
	}
	grown := resident() - before
	t.Logf("%d KiB more than the %d KiB after the warm-up", grown>>10, before>>10)
	if grown > bound {
		t.Errorf("grown by %d KiB, the bound is %d KiB", grown>>10, bound>>10)
	}
}
