//go:build !quick

package renderer_test

import (
	"bytes"
	"flag"
	"image"
	"image/color/palette"
	"image/gif"
	"log/slog"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/worker/renderer"
	"github.com/presize/presize/worker/renderer/renderertest"
)

var smallRenders = flag.Int("renders", 40, "small files to render one after the other")

// TestAProcessKeepsLittleOfSmallRenders renders small files one after the other, and looks at
// what the process has in use between them: some 50 MiB. It takes -renders 600 for a proof.
func TestAProcessKeepsLittleOfSmallRenders(t *testing.T) {
	const bound = 150 << 20
	log := new(bytes.Buffer)
	r := renderertest.StartWith(t, renderer.Config{
		Path: renderertest.Path(t), Memory: media.DefaultLimits().Memory, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	var files [][]byte
	for _, name := range []string{"test.jpg", "test.png", "test.webp", "test2.heic", "transparent.png", "test.gif", "test_exif_canon.jpg"} {
		files = append(files, phototest.Read(t, name))
	}
	most := int64(0)
	for n := range *smallRenders {
		if _, _, err := render(t, r, files[n%len(files)], small()); err != nil {
			t.Fatal(err)
		}
		kept := renderertest.Resident(t)
		most = max(most, kept)
		if n%50 == 49 {
			t.Logf("%d MiB after %d", kept>>20, n+1)
		}
	}
	t.Logf("%d MiB at most, in %d processes", most>>20, strings.Count(log.String(), "renderer sandbox"))
	if most > bound {
		t.Errorf("a process keeps %d MiB, more than %d", most>>20, bound>>20)
	}
}

// TestLargeAnimationNeedsNoTemporaryFile: libvips would make one for a WebP of more than 100 MB
// of pixels.
func TestLargeAnimationNeedsNoTemporaryFile(t *testing.T) {
	const edge = 2600
	animation := new(gif.GIF)
	for range 4 {
		animation.Image = append(animation.Image, image.NewPaletted(image.Rect(0, 0, edge, edge), palette.Plan9))
		animation.Delay = append(animation.Delay, 5)
		animation.Image[len(animation.Image)-1].SetColorIndex(len(animation.Image), 0, 200) // else frames are joined
	}
	var original bytes.Buffer
	if err := gif.EncodeAll(&original, animation); err != nil {
		t.Fatal(err)
	}
	webp := small()
	webp.Sizes, webp.Encoders = []media.Size{{Width: edge}}, []media.Encoder{{Format: media.WebP, Quality: 50, Effort: 1}}
	r := renderertest.StartWith(t, renderer.Config{
		Path: renderertest.Path(t), Memory: media.DefaultLimits().Memory, Log: slog.New(slog.DiscardHandler),
	})
	variants, _, err := render(t, r, original.Bytes(), webp)
	if err != nil {
		t.Fatal(err)
	}
	variants, _, err = render(t, r, variants[0].Bytes, small())
	if err != nil || len(variants) != len(small().Variants("")) {
		t.Errorf("%d variants, %v", len(variants), err)
	}
}
