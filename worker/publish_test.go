package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/worker/renderer"
)

func TestPhotoIsPublishedInEveryVariantOfItsPreset(t *testing.T) {
	for name, test := range map[string]struct {
		file, contentType, preset string
		original                  media.Original
		extents                   []media.Extent // from the smallest size on
	}{
		"iPhone photo, turned": {
			"test_exif_full.jpg", "image/jpeg", "photo",
			media.Original{ContentType: media.JPEG, Bytes: 3970480, Width: 3024, Height: 4032},
			[]media.Extent{{Width: 320, Height: 427}, {Width: 640, Height: 853}, {Width: 1280, Height: 1707}, {Width: 1920, Height: 2560}},
		},
		"HEIC declared as HEIF": {
			"test2.heic", "image/heif", "avatar",
			media.Original{ContentType: media.HEIC, Bytes: 130358, Width: 1440, Height: 960},
			[]media.Extent{{Width: 64, Height: 64}, {Width: 128, Height: 128}, {Width: 256, Height: 256}},
		},
		"PNG smaller than every size": {
			"transparent.png", "image/png", "card",
			media.Original{ContentType: media.PNG, Bytes: 58618, Width: 320, Height: 240},
			slices.Repeat([]media.Extent{{Width: 320, Height: 180}}, 3),
		},
	} {
		t.Run(name, func(t *testing.T) {
			original := phototest.Read(t, test.file)
			h := newHarness(t, mediatest.Presets())
			id := media.NewID()
			h.put(id, test.contentType, map[string]string{"preset": test.preset}, original)
			h.mustHandle(created(id))

			m := h.manifest(id)
			if m.ID != id || m.Status != media.Ready || !m.Complete || m.Preset != test.preset || *m.Original != test.original {
				t.Errorf("manifest %+v, original %+v", m, m.Original)
			}
			if m.Placeholder == nil || m.Placeholder.ThumbHash == "" || len(m.Placeholder.Color) != len("#rrggbb") {
				t.Errorf("placeholder %+v", m.Placeholder)
			}
			if m.Picture != media.Picture(m.Variants, false) || strings.Count(m.Picture, "<source") != 2 {
				t.Errorf("picture %s", m.Picture)
			}
			if !slices.Equal(m.Sizes, media.OutputSizes(m.Variants, false)) || len(m.Sizes) != len(test.extents) {
				t.Errorf("sizes %+v", m.Sizes)
			}
			if got, want := len(m.Variants), 3*len(test.extents); got != want {
				t.Fatalf("%d variants, want %d", got, want)
			}
			for i, variant := range m.Variants {
				if want := test.extents[i%len(test.extents)]; variant.Width != want.Width || variant.Height != want.Height {
					t.Errorf("variant %+v, want %+v", variant, want)
				}
				h.expectServed(variant)
			}
			if others := len(h.published(id)) - len(m.Variants); others != 1 {
				t.Errorf("%d objects beside the variants, want the manifest only", others)
			}
		})
	}
}

// expectServed fails the test unless a variant's object is what the manifest says.
func (h *harness) expectServed(variant media.Variant) {
	h.Helper()
	data, info, err := h.Output.Get(context.Background(), strings.TrimPrefix(variant.URL, "/"), 1<<30)
	if err != nil {
		h.Fatal(err)
	}
	if info.ContentType != string(variant.ContentType) || info.CacheControl != "public, max-age=31536000, immutable" || info.Size != variant.Bytes {
		h.Errorf("%s is served as %+v", variant.URL, info)
	}
	probed, err := h.config.Renderer.Probe(context.Background(), data, media.DefaultLimits(), h.config.Presets[0])
	probed.Close()
	if err != nil {
		h.Errorf("%s: %v", variant.URL, err)
	}
	if probed.Format != variant.ContentType || probed.Upright != (media.Extent{Width: variant.Width, Height: variant.Height}) {
		h.Errorf("%s is a %+v, the manifest says %+v", variant.URL, probed.Info, variant)
	}
	if bytes.Contains(data, []byte("Exif\x00")) || bytes.Contains(data, []byte("iPhone")) {
		h.Errorf("%s has EXIF", variant.URL)
	}
}

func TestManifestFollowsTheVariantsItNames(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	var manifests []string
	var cached []string
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, "/manifest.json") {
			cached = append(cached, request.Header.Get("Cache-Control"))
			manifests = append(manifests, h.peek(request))
		}
		response, err := carry()
		h.expectSound(id)
		return response, err
	})
	h.mustHandle(created(id))

	var formats []string
	for _, put := range h.wire.Sent("PUT") {
		formats = append(formats, put[strings.LastIndex(put, ".")+1:])
	}
	slices.Sort(formats[:4]) // variants of one kind come as they are ready
	if want := []string{"jpg", "jpg", "webp", "webp", "json", "avif", "avif", "json"}; !slices.Equal(formats, want) {
		t.Errorf("put %v, want %v", formats, want)
	}
	if want := []string{cacheReady, cacheSettled}; !slices.Equal(cached, want) {
		t.Errorf("manifests are cached for %q, want %q", cached, want)
	}
	for i, want := range []struct {
		complete bool
		variants int
	}{{false, 4}, {true, 6}} {
		m, err := media.ParseManifest([]byte(manifests[i]))
		if err != nil {
			t.Fatal(err)
		}
		if m.Status != media.Ready || m.Complete != want.complete || len(m.Variants) != want.variants || m.Placeholder == nil ||
			strings.Contains(m.Picture, "avif") != want.complete || len(m.Sizes) != 2 || (m.Sizes[0].AutoURL != "") != want.complete {
			t.Errorf("manifest %d is %+v, want %+v", i+1, m, want)
		}
	}
}

// peek reads the body of a request that is still to be sent.
func (h *harness) peek(request *http.Request) string {
	h.Helper()
	body, err := io.ReadAll(request.Body)
	if err != nil {
		h.Fatal(err)
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	return string(body)
}

func TestPutsBesideAFailedOneAreFinished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	failed := false
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if request.Method == http.MethodPut && !failed {
			failed = true
			return nil, faulttest.ErrInjected
		}
		return carry()
	})
	if err := h.try(context.Background(), created(id)); !errors.Is(err, faulttest.ErrInjected) {
		t.Errorf("got %v", err)
	}
	if objects := h.published(id); len(objects) != 3 {
		t.Errorf("%d objects, want three of the four quick variants", len(objects))
	}
}

func TestPresetOfQuickFormatsIsCompleteAtOnce(t *testing.T) {
	presets := sketch(t, 80)
	presets[0].Encoders = presets[0].Encoders[1:]
	h := newHarness(t, presets)
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	if m := h.manifest(id); !m.Complete || len(m.Variants) != 4 {
		t.Errorf("manifest %+v", m)
	}
	if puts := h.wire.Sent("PUT"); len(puts) != 5 {
		t.Errorf("put %q, want four variants and one manifest", puts)
	}
}

func TestUnknownOrMissingPresetIsTheDefault(t *testing.T) {
	for name, metadata := range map[string]map[string]string{
		"missing": nil,
		"unknown": {"preset": "poster"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, sketch(t, 80))
			id := media.NewID()
			h.put(id, "image/png", metadata, drawing(t, 0))
			h.mustHandle(created(id))
			if m := h.manifest(id); m.Preset != media.DefaultPreset || !m.Complete {
				t.Errorf("manifest %+v", m)
			}
			if warned := strings.Contains(h.log.String(), `"preset":"poster"`); warned != (metadata != nil) {
				t.Errorf("warned: %t, log %s", warned, h.log)
			}
		})
	}
}

// partial yields the first variants of a real rendering and then an error, as a
// decoder does that finds the damage late.
type partial struct {
	*renderer.Rendering
	count int
	err   error
}

func (p partial) Variants() iter.Seq2[renderer.Variant, error] {
	return func(yield func(renderer.Variant, error) bool) {
		count := 0
		for variant, err := range p.Rendering.Variants() {
			if count == p.count {
				yield(renderer.Variant{}, p.err)
				return
			}
			if count++; !yield(variant, err) {
				return
			}
		}
	}
}

func TestFileThatBreaksMidwayIsRejectedWithoutVariants(t *testing.T) {
	presets := sketch(t, 80)
	data := drawing(t, 0)
	h := newHarness(t, presets)
	for count := range len(presets[0].Variants("")) {
		t.Run(fmt.Sprint(count, " variants"), func(t *testing.T) {
			h := h.in(t)
			ctx := context.Background()
			id := media.NewID()
			h.put(id, "image/png", nil, data)
			r := &run{Worker: New(h.config), job: Job{ID: id}, report: newReport(Job{ID: id})}
			original, err := r.look(ctx)
			if err != nil {
				t.Fatal(err)
			}
			probed, err := h.config.Renderer.Probe(ctx, data, h.config.Limits, presets[0])
			if err != nil {
				t.Fatal(err)
			}
			defer probed.Close()
			manifest := media.Manifest{ID: id, Preset: presets[0].Name, Rev: presets[0].Rev(), Original: new(media.Original)}
			broken := partial{probed.Render(ctx), count, media.Reject(media.Corrupt, "The file is damaged.")}
			err = r.publish(ctx, *original, presets[0], manifest, broken)
			h.expectSound(id)
			var rejection *media.Rejection
			if !errors.As(err, &rejection) {
				t.Fatalf("got %v, want a rejection", err)
			}
			if err := r.reject(ctx, *original, manifest, rejection); err != nil {
				t.Fatal(err)
			}
			h.expectRejected(id, media.Corrupt)
		})
	}
}

func TestRenderingThatEndsEarlyIsNotPublished(t *testing.T) {
	ctx := context.Background()
	preset := sketch(t, 80)[0]
	data := drawing(t, 0)
	h := newHarness(t, media.Presets{preset})
	short := preset
	short.Sizes = short.Sizes[:1]
	probed, err := h.config.Renderer.Probe(ctx, data, h.config.Limits, short)
	if err != nil {
		t.Fatal(err)
	}
	defer probed.Close()
	id := media.NewID()
	r := &run{Worker: New(h.config), job: Job{ID: id}, report: newReport(Job{ID: id})}
	if err := r.publish(ctx, bucket.Info{}, preset, media.Manifest{ID: id, Original: new(media.Original)}, probed.Render(ctx)); err == nil {
		t.Error("no error")
	}
	if m := h.manifest(id); m != nil {
		t.Errorf("manifest %+v", m)
	}
}
