package worker

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

func TestOnlyTheLastTryIsPublishedAsFailed(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	bus := h.listen()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	working := h.config.Renderer
	h.config.Renderer = h.deadRenderer()
	for receives := 1; receives <= Tries; receives++ {
		if h.deliver(receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
		if receives == Tries {
			h.expectFailed(id)
		} else if m := h.manifest(id); m != nil {
			t.Errorf("after try %d: manifest %+v", receives, m)
		}
	}
	h.config.Renderer = working
	h.wire.Restart(nil)
	for receives := Tries + 1; receives <= MaxReceives; receives++ {
		if h.deliver(receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
		h.expectFailed(id)
	}
	if sent := h.wire.Sent(""); len(sent) != MaxReceives-Tries || len(bus.Events()) != 1 {
		t.Errorf("on its way to the failure queue the event costs %q, and is told %d times", sent, len(bus.Events()))
	}
	want := append([]time.Duration{time.Minute, 4 * time.Minute}, make([]time.Duration, MaxReceives-2)...)
	if !slices.Equal(queue.changes, want) {
		t.Errorf("they wait %v, want %v", queue.changes, want)
	}
	if !h.deliverMessage(t.Context(), "redriven", time.Now(), 1, created(id)) {
		t.Error("the redriven event failed")
	}
	if m := h.manifest(id); m.Status != media.Ready || !m.Complete || m.Failure != nil {
		t.Errorf("manifest %+v", m)
	}
}

func TestRedrivenEventHasAllItsTries(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.config.Renderer = h.deadRenderer()
	for _, message := range []string{"first", "redriven"} {
		for receives := 1; receives <= Tries; receives++ {
			h.deliverMessage(t.Context(), message, time.Now(), receives, created(id))
			if m := h.manifest(id); (m != nil) != (receives == Tries) {
				t.Errorf("%s, after try %d: manifest %+v", message, receives, m)
			}
		}
		h.clear(id)
	}
}

// TestTryThatEndsTheProcessCounts lets an invocation end while the original is fetched.
func TestTryThatEndsTheProcessCounts(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	receives := 1
	for ; receives <= Tries+1; receives++ { // the first one leaves no record
		ctx, cancel := context.WithCancel(t.Context())
		h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
			if strings.HasPrefix(request.URL.Path, "/presize-input/") && request.Method == http.MethodGet {
				cancel()
				return nil, ctx.Err()
			}
			return carry()
		})
		if h.deliverMessage(ctx, "m", time.Now(), receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
		if ctx.Err() == nil {
			t.Fatalf("delivery %d is no try", receives)
		}
		if m := h.manifest(id); m != nil {
			t.Errorf("after delivery %d: manifest %+v", receives, m)
		}
	}
	h.wire.Restart(nil)
	queue.changes = nil
	if h.deliverMessage(t.Context(), "m", time.Now(), receives, created(id)) {
		t.Error("an event that has failed is deleted")
	}
	h.expectFailed(id)
	if fetched := h.wire.Sent("GET /presize-input/"); len(fetched) > 0 || !slices.Equal(queue.changes, []time.Duration{0}) {
		t.Errorf("sent %q, waits %v", fetched, queue.changes)
	}
}

// TestLastDeliveryIsNoFurtherTry delivers a message for the last time after its tries have
// ended the process: one more would do so too, and nothing would be published.
func TestLastDeliveryIsNoFurtherTry(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	for receives := MaxReceives - Tries; receives < MaxReceives; receives++ {
		h.record("m", receives)
	}
	h.wire.Restart(nil)
	if h.deliverMessage(t.Context(), "m", time.Now(), MaxReceives, created(id)) {
		t.Error("an event that has failed is deleted")
	}
	h.expectFailed(id)
	if fetched := h.wire.Sent("GET /presize-input/"); len(fetched) > 0 {
		t.Errorf("sent %q", fetched)
	}
}

func TestFailureThatCouldNotBeToldIsToldByTheNextDelivery(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	bus := h.listen()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.config.Renderer = h.deadRenderer()
	for receives := 1; receives <= Tries+1; receives++ {
		if receives == Tries {
			bus.Refuse(1)
		}
		if h.deliver(receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
	}
	h.expectFailed(id)
	h.expectTold(bus, media.ImageFailed)
}

func TestEventOfWhatIsDoneIsDeletedThoughItsTriesWereCutOff(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	for receives := 1; receives <= Tries; receives++ {
		h.record("m", receives)
	}
	if !h.deliverMessage(t.Context(), "m", time.Now(), Tries+1, created(id)) {
		t.Error("an event of what is done is dead-lettered")
	}
}

// TestLastTryIsNotPublishedAsFailedForAFailedRequest lets each request of a third try go
// wrong in turn. Only where the invocation ends with it, the try counts.
func TestLastTryIsNotPublishedAsFailedForAFailedRequest(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	for when, fault := range faulttest.Faults() {
		for n, more := 1, true; more; n++ {
			id := media.NewID()
			h.put(id, "image/png", nil, drawing(t, 0))
			for receives := 1; receives < Tries; receives++ {
				h.record(messageOf(created(id)), receives)
			}
			var deleted bool
			more, deleted = h.deliverFaulty(fault, n, Tries, created(id))
			if !deleted {
				deleted = h.deliver(Tries+1, created(id))
			}
			m := h.manifest(id)
			if m == nil || m.Complete != deleted || !deleted && when != "because time is up" {
				t.Errorf("request %d failed %s: deleted %t, manifest %+v", n, when, deleted, m)
			}
			if !deleted {
				h.expectFailed(id)
			}
		}
	}
}

// TestDeadLetteredEventIsPublishedAsFailedWhateverFails lets each request of the last
// delivery go wrong in turn, but for the looks at the original.
func TestDeadLetteredEventIsPublishedAsFailedWhateverFails(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	for when, fault := range faulttest.Faults() {
		if when == "because time is up" {
			continue // nothing can be published after it
		}
		for n, more := 1, true; more; n++ {
			id := media.NewID()
			h.put(id, "image/png", nil, drawing(t, 0))
			requests := 0
			more = false
			h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
				if request.Method != http.MethodHead {
					requests++
				}
				if request.Method != http.MethodHead && requests == n {
					more = true
					return fault(carry, func() {})
				}
				return carry()
			})
			deleted := h.deliver(MaxReceives, created(id))
			h.wire.Restart(nil)
			m := h.manifest(id)
			if m == nil || deleted && !m.Complete {
				t.Fatalf("request %d failed %s: deleted %t, manifest %+v", n, when, deleted, m)
			}
			// A manifest that was put after all is taken for that of another job.
			if !deleted && (m.Status != media.Ready || when != "after it took effect") {
				h.expectFailed(id)
			}
		}
	}
}

// TestFinishedUploadIsNeverPublishedAsFailed lets each request of a last try fail that
// finds everything done.
func TestFinishedUploadIsNeverPublishedAsFailed(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	for when, fault := range faulttest.Faults() {
		for n, more := 1, true; more; n++ {
			id := media.NewID()
			h.put(id, "image/png", nil, []byte("no image"))
			original, err := h.Input.Head(t.Context(), media.OriginalKey(id))
			if err != nil {
				t.Fatal(err)
			}
			preset, _ := finished.Preset(original, h.config.Presets)
			m := media.Manifest{ID: id, Preset: preset.Name, Rev: preset.Rev(), Status: media.Rejected, Original: &media.Original{ContentType: media.PNG, Bytes: 8},
				Rejection: media.Reject(media.Corrupt, "The file is broken.")}
			document, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Output.Put(t.Context(), bucket.Info{Key: media.Public.ManifestKey(id), ContentType: "application/json",
				Metadata: map[string]string{finished.MetadataName: finished.Identity(original)}}, document); err != nil {
				t.Fatal(err)
			}
			step, injected := faulttest.At(n, fault, func() {})
			h.wire.Restart(step)
			h.deliver(MaxReceives, created(id))
			h.wire.Restart(nil)
			more = injected()
			if got := h.manifest(id); got.Status != media.Rejected {
				t.Errorf("request %d failed %s: status %s", n, when, got.Status)
			}
		}
	}
}

// TestBackfillThatFailsKeepsWhatAnEarlierRevisionPublished fails the last try of an original
// whose preset has changed.
func TestBackfillThatFailsKeepsWhatAnEarlierRevisionPublished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	working := h.config.Renderer
	h.config.Presets, h.config.Renderer = sketch(t, 70), h.deadRenderer()
	for receives := 1; receives <= Tries+1; receives++ {
		if h.deliver(receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
		h.expect(id, want)
	}
	waits := []time.Duration{time.Minute, 4 * time.Minute, 0, 0}
	if !slices.Equal(queue.changes, waits) {
		t.Errorf("the event waits %v, want %v", queue.changes, waits)
	}
	h.config.Renderer = working
	h.mustHandle(created(id))
	if m := h.manifest(id); m.Rev != h.config.Presets[0].Rev() || !m.Complete {
		t.Errorf("manifest %+v", m)
	}
}
