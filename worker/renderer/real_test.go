package renderer_test

import (
	"bytes"
	"errors"
	"io/fs"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/worker/renderer"
	"github.com/presize/presize/worker/renderer/renderertest"
)

func preset(t *testing.T, name string) media.Preset {
	t.Helper()
	preset, ok := mediatest.Presets().Find(name)
	if !ok {
		t.Fatalf("no preset %s", name)
	}
	return preset
}

// render renders a file and returns its variants.
func render(t *testing.T, r *renderer.Renderer, file []byte, preset media.Preset) ([]renderer.Variant, media.Placeholder, error) {
	t.Helper()
	original, err := r.Probe(t.Context(), file, media.DefaultLimits(), preset)
	defer original.Close()
	if err != nil {
		return nil, media.Placeholder{}, err
	}
	rendering := original.Render(t.Context())
	var variants []renderer.Variant
	for v, err := range rendering.Variants() {
		if err != nil {
			return variants, media.Placeholder{}, err
		}
		variants = append(variants, v)
	}
	return variants, rendering.Placeholder(), nil
}

func TestEveryFormatIsRenderedInTheSandbox(t *testing.T) {
	log := new(bytes.Buffer)
	r := renderertest.StartWith(t, renderer.Config{
		Path: renderertest.Path(t), Memory: media.DefaultLimits().Memory, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	for _, name := range []string{
		"test.jpg", "test_exif_full.jpg", "test.png", "test.webp", "test.gif",
		"test2.heic", "test.avif", "transparent.png",
	} {
		t.Run(name, func(t *testing.T) {
			p := preset(t, "avatar")
			variants, placeholder, err := render(t, r, phototest.Read(t, name), p)
			if err != nil {
				t.Fatal(err)
			}
			if len(variants) != len(p.Variants("")) || placeholder.ThumbHash == "" {
				t.Errorf("%d variants, placeholder %+v", len(variants), placeholder)
			}
			if !slices.IsSortedFunc(variants, func(a, b renderer.Variant) int { return slow(a) - slow(b) }) {
				t.Error("quick variants come after slow ones")
			}
		})
	}
	t.Log(log)
}

// TestOneProcessServesManyRenders, also where nobody asks for more than the last variant.
func TestOneProcessServesManyRenders(t *testing.T) {
	log := new(bytes.Buffer)
	r := renderertest.StartWith(t, renderer.Config{Path: renderertest.Path(t), Log: slog.New(slog.NewTextHandler(log, nil))})
	for range 3 {
		original, err := r.Probe(t.Context(), drawing(t), media.DefaultLimits(), small())
		if err != nil {
			t.Fatal(err)
		}
		next, stop := iter.Pull2(original.Render(t.Context()).Variants())
		for range small().Variants("") {
			if _, err, ok := next(); err != nil || !ok {
				t.Fatal(err, ok)
			}
		}
		stop()
		original.Close()
	}
	if started := strings.Count(log.String(), "renderer sandbox"); started != 1 {
		t.Errorf("%d processes have served 3 renders, want 1:\n%s", started, log)
	}
}

func slow(v renderer.Variant) int {
	if (media.Encoder{Format: v.Format}).Quick() {
		return 0
	}
	return 1
}

func TestRejectionsComeAsTheyAre(t *testing.T) {
	r := renderertest.Start(t)
	photo := phototest.Read(t, "test.jpg")
	for name, test := range map[string]struct {
		file []byte
		code media.Code
	}{
		"empty":       {nil, media.Empty},
		"text":        {[]byte("a letter to my grandmother"), media.UnsupportedType},
		"half a JPEG": {photo[:len(photo)/2], media.Truncated},
		"bad entropy": {phototest.Read(t, "corrupt.jpg"), media.Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := render(t, r, test.file, preset(t, "avatar"))
			var rejection *media.Rejection
			if !errors.As(err, &rejection) || rejection.Code != test.code {
				t.Errorf("got %v, want %s", err, test.code)
			}
		})
	}
}

func TestProgramThatDoesNotExistIsAnErrorAtOnce(t *testing.T) {
	_, err := renderer.Start(renderer.Config{Path: filepath.Join(t.TempDir(), "renderer")})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
