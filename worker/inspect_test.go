package worker

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"

	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/inspection"
)

// app is an Inspector whose answers a test decides.
type app func(ctx context.Context, upload inspection.Upload) error

func (a app) Inspect(ctx context.Context, upload inspection.Upload) error { return a(ctx, upload) }

func refuse(context.Context, inspection.Upload) error {
	return media.Reject(media.Refused, "No drawings, please.")
}

func TestAppIsShownWhatItDecidesAbout(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	metadata, err := media.Label{Owner: "someone", Reference: "listing 17"}.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	id := media.NewID()
	h.put(id, "image/png", metadata, drawing(t, 0))
	var asked []inspection.Upload
	h.config.Inspector = app(func(_ context.Context, upload inspection.Upload) error {
		h.expect(id, nil)
		asked = append(asked, upload)
		return nil
	})
	h.mustHandle(created(id))
	h.mustHandle(created(id)) // what is published is not asked about again
	if len(asked) != 1 {
		t.Fatalf("asked %d times", len(asked))
	}
	got := asked[0]
	config, err := jpeg.DecodeConfig(bytes.NewReader(got.Image))
	if err != nil || config.Width != 32 {
		t.Errorf("image %+v, %v", config, err)
	}
	got.Image = nil
	want := inspection.Upload{
		ID: id, Preset: "photo", Owner: "someone", Reference: "listing 17", Bucket: h.config.Input.Name(), Key: media.OriginalKey(id),
		Original: media.Original{ContentType: media.PNG, Bytes: int64(len(drawing(t, 0))), Width: 48, Height: 32},
	}
	if got.ID != want.ID || got.Original != want.Original || got.Owner != want.Owner || got.Reference != want.Reference || got.Bucket != want.Bucket || got.Key != want.Key {
		t.Errorf("asked %+v, want %+v", got, want)
	}
	if m := h.manifest(id); m == nil || !m.Complete || len(m.Variants) != 6 {
		t.Errorf("manifest %+v", m)
	}
}

// expectNoVariant fails the test if anything is published for id but a manifest.
func (h *harness) expectNoVariant(id media.ID) {
	h.Helper()
	for key, object := range h.published(id) {
		if key != media.ManifestKey(id) || strings.Contains(object.body, "thumbhash") {
			h.Errorf("published %s: %.200s", key, object.body)
		}
	}
}

func TestRefusalRemovesWhatEarlierRevisionsPublished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	cdn := invalidationtest.Start(t)
	h.config.Invalidator = cdn.Distribution(nil)
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.config.Presets, h.config.Inspector = sketch(t, 70), app(refuse)
	h.mustHandle(created(id))
	h.expectNoVariant(id)
	if len(cdn.Invalidated()) != 2 { // before and after
		t.Errorf("invalidated %q", cdn.Invalidated())
	}
	never := media.NewID()
	h.put(never, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(never))
	if len(cdn.Invalidated()) != 2 {
		t.Errorf("invalidated for an upload of which nothing was published: %q", cdn.Invalidated())
	}
}

func TestWithoutAnAnswerNothingIsPublished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.config.Inspector = app(func(context.Context, inspection.Upload) error { return errors.New("no answer") })
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	if err := h.handle(t.Context(), created(id)); err == nil {
		t.Error("no error")
	}
	h.expectNoVariant(id)
	if sent := h.wire.Sent(http.MethodPut); len(sent) > 1 {
		t.Errorf("sent %q", sent)
	}
	h.config.Inspector = nil
	h.mustHandle(created(id))
	if m := h.manifest(id); m == nil || !m.Complete {
		t.Errorf("manifest %+v", m)
	}
}
