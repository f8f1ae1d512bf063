package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/renderer/renderertest"
)

func TestRepeatedEventEndsEarly(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	h.wire.Restart(nil)
	h.mustHandle(created(id))
	if writes := append(h.wire.Sent("PUT"), h.wire.Sent("DELETE")...); len(writes) > 0 {
		t.Errorf("wrote %q", writes)
	}
	if fetched := h.wire.Sent("GET /presize-input/"); len(fetched) > 0 {
		t.Errorf("fetched %q", fetched)
	}
	h.expect(id, want)
}

// TestRestoredOriginalIsNotRenderedAgain copies an original away and back, as from a backup.
func TestRestoredOriginalIsNotRenderedAgain(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", map[string]string{"preset": "photo"}, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	key, away := media.OriginalKey(id), "copies/"+string(id)
	h.copy(key, away)
	h.remove(id)
	h.copy(away, key)
	h.wire.Restart(nil)
	h.mustHandle(created(id))
	if writes := append(h.wire.Sent("PUT"), h.wire.Sent("DELETE")...); len(writes) > 0 {
		t.Errorf("wrote %q", writes)
	}
	h.expect(id, want)
	for key := range want { // a backup of what is published may be incomplete
		if err := h.Output.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		break
	}
	h.mustHandle(created(id))
	h.expect(id, want)
}

func TestSameOriginalGivesTheSameKeysAndBytes(t *testing.T) {
	h := newHarness(t, mediatest.Presets())
	original := phototest.Read(t, "test.jpg")
	var want map[string]object
	for range 2 {
		id := media.NewID()
		h.put(id, "image/jpeg", map[string]string{"preset": "avatar"}, original)
		var all sync.WaitGroup
		for range 3 { // events at the same time
			all.Go(func() {
				if err := h.handle(context.Background(), created(id)); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		h.expectSound(id)
		got := make(map[string]object)
		for key, object := range h.published(id) {
			object.body = strings.ReplaceAll(object.body, string(id), "{id}")
			got[strings.ReplaceAll(key, string(id), "{id}")] = object
		}
		if want == nil {
			want = got
		}
		if len(got) != 10 {
			t.Errorf("%d objects, want nine variants and a manifest", len(got))
		}
		for key, object := range want {
			if got[key] != object {
				t.Errorf("%s differs between two uploads of the same file", key)
			}
		}
	}
}

func TestVariantsOfEarlierRevisionsStay(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	h.config.Presets = sketch(t, 81)
	h.mustHandle(created(id))

	rev := h.config.Presets[0].Rev()
	if m := h.manifest(id); m.Rev != rev || !strings.Contains(m.Variants[0].URL, rev) {
		t.Errorf("manifest %+v, want rev %s", m, rev)
	}
	got := h.published(id)
	if len(got) != 13 {
		t.Errorf("%d objects, want twice six variants and a manifest", len(got))
	}
	for key, object := range want {
		if path.Base(key) != "manifest.json" && got[key] != object {
			t.Errorf("%s was not left alone", key)
		}
	}
}

func TestManifestIsNotBelievedWithoutItsVariants(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	for key := range want {
		if err := h.Output.Delete(context.Background(), key); err != nil {
			t.Fatal(err)
		}
		h.mustHandle(created(id))
		h.expect(id, want)
	}
}

func TestNextOriginalUnderTheSameIDReplacesEverything(t *testing.T) {
	for name, metadata := range map[string]map[string]string{
		"of the same preset": nil,
		"of another preset":  {"preset": "other"},
	} {
		t.Run(name, func(t *testing.T) {
			other := sketch(t, 81)[0]
			other.Name = "other"
			h := newHarness(t, append(sketch(t, 80), other))
			id := media.NewID()
			h.put(id, "image/png", metadata, drawing(t, 200))
			h.mustHandle(created(id))
			want := h.published(id)
			h.remove(id)
			h.mustHandle(deleted(id))

			h.put(id, "image/png", nil, drawing(t, 0))
			h.mustHandle(created(id))
			h.remove(id)
			h.put(id, "image/png", metadata, drawing(t, 200))
			cdn := new(invalidations)
			h.config.Invalidator = cdn
			h.mustHandle(created(id)) // and the event of the removal is lost
			h.expect(id, want)
			if len(cdn.calls) != 1 {
				t.Errorf("the CDN was told %q, want to forget the same URLs of the earlier original", cdn.calls)
			}
		})
	}
}

func TestRealEventsOfTheServerLeadToAgreement(t *testing.T) {
	var mu sync.Mutex
	var sent []events.S3Event
	env := s3test.Start(t, func(event events.S3Event) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, event)
	})
	h := &harness{T: t, Env: env}
	h.config = Config{Input: env.Input, Output: env.Output, Presets: sketch(t, 80), Limits: media.DefaultLimits(), Renderer: renderertest.Start(t), Log: quiet(t)}
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.remove(id)
	h.put(id, "image/png", nil, drawing(t, 1))
	mu.Lock()
	uploads := slices.Clone(sent) // publishing is an event too, of the output bucket
	mu.Unlock()
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 2, 1, 1, 0, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			h := h.in(t)
			h.clear(id)
			for _, i := range order {
				document, err := json.Marshal(uploads[i])
				if err != nil {
					t.Fatal(err)
				}
				h.mustHandle(document)
			}
			if m := h.manifest(id); m == nil || !m.Complete {
				t.Errorf("manifest %+v", m)
			}
			h.expectSound(id)
		})
	}
}
