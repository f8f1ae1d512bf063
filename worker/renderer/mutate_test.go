package renderer_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
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

var (
	mutations = flag.Int("mutations", 140, "mutated files to render")
	moreSeeds = flag.String("seeds", "", "folders, separated by colons, of more files to mutate")
	holesDir  = flag.String("holes", "", "folder for mutated files that fail or are rendered with a hole")
)

// small has a variant of each format.
func small() media.Preset {
	return media.Preset{Name: "small", Fit: media.Inside, Background: "#ff00ff", Sizes: []media.Size{{Width: 256}},
		Encoders: []media.Encoder{{Format: media.AVIF, Quality: 50, Speed: 9}, {Format: media.WebP, Quality: 50, Effort: 1}, {Format: media.JPEG, Quality: 90}}}
}

// mutate returns the file with some damage: often at one place, which may be anywhere, else at
// several, more of them in front, where the headers are.
func mutate(random *rand.Rand, file []byte) []byte {
	file = bytes.Clone(file)
	places := 1
	if random.IntN(2) == 0 {
		places += random.IntN(8)
	}
	place := func() int {
		if places > 1 && random.IntN(2) == 0 {
			return random.IntN(min(len(file), 1024))
		}
		return random.IntN(len(file))
	}
	span := func(at int) int { // the end of a part, which is more often short
		most := 256
		if random.IntN(4) == 0 {
			most = max(most, len(file)/8)
		}
		return min(len(file), at+random.IntN(most))
	}
	for range places {
		at := place()
		switch random.IntN(7) {
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
			copy(file[at:], file[from:span(from)])
		case 4:
			clear(file[at:span(at)])
		case 5:
			if random.IntN(4) == 0 {
				file = file[:max(16, at)]
			}
		case 6:
			if end := span(at); at+len(file)-end >= 16 {
				file = slices.Delete(file, at, end)
			}
		}
	}
	return file
}

// telling are the formats whose data can't be damaged without that being noticed, for the most
// part. In the others any bits are samples, or codes of some: the decoder goes on, and what it
// shows is what all viewers show. Their holes are counted only.
var telling = []media.Format{media.AVIF, media.HEIC, media.HEIF, media.PNG}

// TestMutatedFilesEndAsRejectionsOrAsTheyLook renders damaged files of all formats, with a
// good one after each twenty. It takes -mutations 5000 for a proof, with more files by -seeds.
// What it counts is in its log. No process may crash, and no variant may have a hole. A hang
// or the limit of memory is no failure of this test, which is about what happens then.
func TestMutatedFilesEndAsRejectionsOrAsTheyLook(t *testing.T) {
	r := renderertest.StartWith(t, renderer.Config{
		Path: renderertest.Path(t), Memory: 1500 << 20, Log: slog.New(slog.DiscardHandler),
	})
	seeds := makeSeeds(t, r)
	formats := slices.Sorted(maps.Keys(seeds))
	good := phototest.Read(t, "transparent.png")
	random := rand.New(rand.NewPCG(10, 10))
	outcomes := make(map[string]int)
	for n := range *mutations {
		format := formats[n%len(formats)]
		seed := seeds[format][random.IntN(len(seeds[format]))]
		file := mutate(random, seed.file)
		variants, err := renderOnce(t, r, file)
		var rejection *media.Rejection
		var failure *renderer.Failure
		switch {
		case err == nil:
			outcomes[string(format)+" rendered"]++
			if hole := seed.hole(look(t, variants)); hole != "" {
				outcomes[string(format)+" with a hole"]++
				if slices.Contains(telling, format) {
					t.Errorf("%d, of %s: %s", n, seed.name, hole)
				}
				name := fmt.Sprintf("%04d-%s%s", n, seed.name, format.Extension())
				keep(t, name, file)
				keep(t, name+".ours.jpg", variants[slices.IndexFunc(variants, isJPEG)].Bytes)
			}
		case errors.As(err, &rejection):
			outcomes[fmt.Sprintf("%s rejected as %s", format, rejection.Code)]++
		case errors.As(err, &failure):
			t.Logf("%d, of %s: %.300v", n, seed.name, err)
			keep(t, fmt.Sprintf("%04d-failed-%s%s", n, seed.name, format.Extension()), file)
			for _, end := range failure.Unwrap() {
				kind := kind(end)
				outcomes[string(format)+" failed: "+kind]++
				if strings.HasPrefix(kind, "crash") {
					t.Errorf("%d, of %s: %s", n, seed.name, kind)
				}
			}
		default:
			t.Errorf("neither rejected nor failed: %v", err)
		}
		if n%20 == 0 {
			if _, err := renderOnce(t, r, good); err != nil {
				t.Errorf("after %d mutated files a good one: %v", n, err)
			}
		}
	}
	for _, outcome := range slices.Sorted(maps.Keys(outcomes)) {
		t.Logf("%6d %s", outcomes[outcome], outcome)
	}
}

// renderOnce renders a file within bounds of time and size.
func renderOnce(t *testing.T, r *renderer.Renderer, file []byte) (variants []renderer.Variant, err error) {
	const patience = 20 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	limits := media.DefaultLimits()
	limits.Pixels = 20_000_000 // there are many files
	original, err := r.Probe(ctx, file, limits, small())
	defer original.Close()
	if err != nil {
		return nil, err
	}
	for v, err := range original.Render(ctx).Variants() {
		if err != nil {
			return nil, err
		}
		variants = append(variants, v)
	}
	return variants, nil
}

// keep writes a file to the folder of the flag.
func keep(t *testing.T, name string, file []byte) {
	t.Helper()
	if *holesDir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*holesDir, name), file, 0o600); err != nil {
		t.Fatal(err)
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
