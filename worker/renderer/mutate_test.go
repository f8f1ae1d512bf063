package renderer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color/palette"
	stdgif "image/gif"
	stdpng "image/png"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/worker/renderer"
	"github.com/presize/presize/worker/renderer/renderertest"
)

var mutations = flag.Int("mutations", 140, "mutated files to render")

// small has a variant of each format.
func small() media.Preset {
	return media.Preset{Name: "small", Fit: media.Inside, Background: "#ffffff", Sizes: []media.Size{{Width: 32}},
		Encoders: []media.Encoder{{Format: media.AVIF, Quality: 50, Speed: 9}, {Format: media.WebP, Quality: 50, Effort: 1}, {Format: media.JPEG, Quality: 50}}}
}

// mutate returns the file with some damage.
func mutate(random *rand.Rand, file []byte) []byte {
	file = bytes.Clone(file)
	place := func() int { // more often in front, where the headers are
		if random.IntN(2) == 0 {
			return random.IntN(min(len(file), 1024))
		}
		return random.IntN(len(file))
	}
	for range 1 + random.IntN(8) {
		at := place()
		switch random.IntN(6) {
		case 0:
			file[at] ^= 1 << random.IntN(8)
		case 1:
			file[at] = byte(random.IntN(256))
		case 2: // a length, or an extent
			if at+4 <= len(file) {
				values := []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xffff, random.Uint32()}
				binary.BigEndian.PutUint32(file[at:], values[random.IntN(len(values))])
			}
		case 3: // a part of the file once more somewhere else
			from := place()
			copy(file[at:], file[from:min(len(file), from+random.IntN(256))])
		case 4:
			clear(file[at:min(len(file), at+random.IntN(256))])
		case 5:
			if random.IntN(4) == 0 {
				file = file[:max(16, at)]
			}
		}
	}
	return file
}

// makeSeeds returns small files of all formats.
func makeSeeds(t *testing.T, r *renderer.Renderer) map[string][]byte {
	t.Helper()
	seeds := make(map[string][]byte)
	drawn := image.NewPaletted(image.Rect(0, 0, 48, 40), palette.Plan9)
	for i := range drawn.Pix {
		drawn.Pix[i] = byte(i * i / 7)
	}
	var png, gif bytes.Buffer
	err := stdgif.EncodeAll(&gif, &stdgif.GIF{Image: []*image.Paletted{drawn, drawn}, Delay: []int{5, 5}})
	if err := errors.Join(err, stdpng.Encode(&png, drawn)); err != nil {
		t.Fatal(err)
	}
	seeds["png"], seeds["gif"] = png.Bytes(), gif.Bytes()
	for name, file := range map[string][]byte{"": seeds["png"], "animated ": seeds["gif"]} {
		variants, _, err := render(t, r, file, small())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range variants {
			seeds[name+string(v.Format)] = v.Bytes
		}
	}
	for _, path := range []string{"pages.tif", "cmyk.jpg", "heif/10bit.heic", "heif/709-full.heic", "heif/rotated.heic", "heif/turned-5.avif"} {
		file, err := os.ReadFile(filepath.Join("../vips/testdata", path))
		if err != nil {
			t.Fatal(err)
		}
		seeds[path] = file
	}
	seeds["test_exif.jpg"] = phototest.Read(t, "test_exif.jpg")
	return seeds
}

// TestMutatedFilesEndAsRejectionsOrVariants renders damaged files of all formats, with a
// good one after each twenty. It takes -mutations 5000 for a proof. What it counts is in
// its log: a file that ends a process is a defect of a decoder, but no failure of this
// test, which is about what happens then.
func TestMutatedFilesEndAsRejectionsOrVariants(t *testing.T) {
	const patience = 20 * time.Second
	r := renderertest.StartWith(t, renderer.Config{
		Path: renderertest.Path(t), Memory: 1500 << 20, Log: slog.New(slog.DiscardHandler),
	})
	seeds := makeSeeds(t, r)
	names := slices.Sorted(maps.Keys(seeds))
	good := phototest.Read(t, "transparent.png")
	random := rand.New(rand.NewPCG(10, 10))
	outcomes := make(map[string]int)
	count := func(err error) {
		var rejection *media.Rejection
		var failure *renderer.Failure
		switch {
		case err == nil:
			outcomes["rendered"]++
		case errors.As(err, &rejection):
			outcomes["rejected as "+string(rejection.Code)]++
		case errors.As(err, &failure):
			outcomes["failed"]++
			for _, end := range failure.Unwrap() {
				outcomes["end: "+kind(end)]++
			}
		default:
			t.Errorf("neither rejected nor failed: %v", err)
		}
	}
	renderOnce := func(file []byte) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		limits := media.DefaultLimits()
		limits.Pixels = 20_000_000 // there are many files
		original, err := r.Probe(ctx, file, limits, small())
		defer original.Close()
		if err != nil {
			return err
		}
		for _, err := range original.Render(ctx).Variants() {
			if err != nil {
				return err
			}
		}
		return nil
	}
	for n := range *mutations {
		name := names[n%len(names)]
		err := renderOnce(mutate(random, seeds[name]))
		count(err)
		var failure *renderer.Failure
		if errors.As(err, &failure) {
			t.Logf("%d, of %s: %.300v", n, name, err)
		}
		if n%20 == 0 {
			if err := renderOnce(good); err != nil {
				t.Errorf("after %d mutated files a good one: %v", n, err)
			}
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%6d %s", outcomes[outcome], outcome)
	}
}

// kind says how a process ended.
func kind(end error) string {
	text := end.Error()
	switch {
	case errors.Is(end, context.DeadlineExceeded):
		return "hang"
	case strings.Contains(text, "out of memory"), strings.Contains(text, "cannot allocate memory"), strings.Contains(text, "failed to allocate"):
		return "limit of memory"
	case strings.Contains(text, "renderer ended: "):
		state, _, _ := strings.Cut(strings.SplitN(text, "renderer ended: ", 2)[1], ": ")
		return fmt.Sprintf("crash (%s)", state)
	default:
		return "an error of the renderer's own"
	}
}
