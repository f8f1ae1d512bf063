//go:build !quick

package worker

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

// handleWith handles an event whose n-th request goes wrong, and calls before, if
// it is not nil, with the number of each request. It reports false if there are
// fewer requests. After each one the manifest of id must be sound, as long as the
// original is there: what a removal takes away, a job beside it does not see at once.
func (h *harness) handleWith(fault faulttest.Fault, n int, before func(n int), id media.ID, event json.RawMessage) bool {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, injected := faulttest.At(n, fault, cancel)
	h.wire.Restart(func(i int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		defer func() {
			if _, err := h.Input.Head(context.Background(), media.OriginalKey(id)); err == nil {
				h.expectSound(id)
			}
		}()
		if before != nil {
			before(i)
		}
		return step(i, request, carry)
	})
	err := h.try(ctx, event)
	repaired := before != nil && err == nil // the job has begun anew
	if (err != nil) != injected() && !repaired {
		h.Errorf("request %d went wrong: %t, but the error is %v", n, injected(), err)
	}
	h.wire.Restart(nil)
	return injected()
}

func TestRetryRepairsWhatAnyFailedRequestLeft(t *testing.T) {
	for name, file := range map[string]struct {
		data    []byte
		objects int
	}{
		"accepted": {drawing(t, 0), 7},
		"rejected": {[]byte("no image"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, sketch(t, 80))
			id := media.NewID()
			h.put(id, "image/png", nil, file.data)
			h.mustHandle(created(id))
			want := h.published(id)
			if len(want) != file.objects {
				t.Fatalf("%d objects, want %d", len(want), file.objects)
			}
			for when, fault := range faulttest.Faults() {
				for n, more := 1, true; more; n++ {
					h.clear(id)
					more = h.handleWith(fault, n, nil, id, created(id))
					h.mustHandle(created(id))
					h.expect(id, want)
				}
				if t.Failed() {
					t.Fatalf("where a request failed %s", when)
				}
			}
		})
	}
}

func TestRetryFinishesRemovalAfterAnyFailedRequest(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	for when, fault := range faulttest.Faults() {
		t.Run("request fails "+when, func(t *testing.T) {
			h := h.in(t)
			for n, more := 1, true; more; n++ {
				h.put(id, "image/png", nil, drawing(t, 0))
				h.mustHandle(created(id))
				h.remove(id)
				cdn := &invalidations{before: func() { h.expect(id, nil) }}
				h.config.Invalidator = cdn
				more = h.handleWith(fault, n, nil, id, deleted(id))
				h.mustHandle(deleted(id))
				h.expect(id, nil)
				if len(cdn.calls) == 0 {
					t.Errorf("request %d: not invalidated", n)
				}
			}
		})
	}
}

// TestNothingOutlivesARemovalWhateverFails removes the original before each
// request of its job in turn, with the job of the removal beside it, and lets each
// of the requests from there on fail.
func TestNothingOutlivesARemovalWhateverFails(t *testing.T) {
	presets := sketch(t, 80)
	presets[0].Sizes = presets[0].Sizes[:1] // there are enough runs without
	h := newHarness(t, presets)
	beside, _ := h.beside()
	for when, fault := range faulttest.Faults() {
		t.Run("request fails "+when, func(t *testing.T) {
			h := h.in(t)
			for removedAt, removed := 1, true; removed; removedAt++ {
				for failedAt, failed := removedAt, true; failed; failedAt++ {
					id := media.NewID()
					h.put(id, "image/png", nil, drawing(t, 0))
					removed = false
					failed = h.handleWith(fault, failedAt, func(n int) {
						if n != removedAt {
							return
						}
						removed = true
						h.remove(id)
						if _, err := beside.Handle(context.Background(), deleted(id)); err != nil {
							t.Error(err)
						}
					}, id, created(id))
					h.mustHandle(created(id))
					if removed {
						h.expect(id, nil)
					}
				}
			}
		})
	}
}

// TestEverythingTrueIsToldAndNothingElseWhateverFails lets each request of a job go wrong
// in turn, those to EventBridge included: a job that ends well has told everything, and
// so has the next one.
func TestEverythingTrueIsToldAndNothingElseWhateverFails(t *testing.T) {
	for name, file := range map[string]struct {
		data []byte
		want []media.EventType
	}{
		"accepted": {drawing(t, 0), []media.EventType{media.ImageReady, media.ImageComplete}},
		"rejected": {[]byte("no image"), []media.EventType{media.ImageRejected}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, sketch(t, 80))
			bus := h.listen()
			for when, fault := range faulttest.Faults() {
				for n, more := 1, true; more; n++ {
					id := media.NewID()
					h.put(id, "image/png", nil, file.data)
					bus.Restart(h.expectTrue)
					var err error
					if more, err = h.handleFaulty(fault, n, created(id)); err == nil {
						h.expectTold(bus, file.want...)
					}
					h.mustHandle(created(id))
					h.expectTold(bus, file.want...)
					if t.Failed() {
						t.Fatalf("where request %d failed %s", n, when)
					}
				}
			}
		})
	}
}

func TestDeletionIsToldWhateverFails(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	bus := h.listen()
	metadata, err := media.Label{Owner: "someone", Reference: "listing 17"}.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	for when, fault := range faulttest.Faults() {
		for n, more := 1, true; more; n++ {
			id := media.NewID()
			h.put(id, "image/png", metadata, []byte("no image"))
			h.mustHandle(created(id))
			h.remove(id)
			bus.Restart(h.expectTrue)
			if more, err = h.handleFaulty(fault, n, deleted(id)); err == nil {
				h.expectTold(bus, media.ImageDeleted)
			}
			h.mustHandle(deleted(id))
			h.expectTold(bus, media.ImageDeleted)
			if data := bus.Events()[0].Data; data.Owner != "someone" || data.Reference != "listing 17" || data.Status != media.Deleted {
				t.Errorf("told %+v", data)
			}
			if _, err := h.Output.Head(t.Context(), media.ToldKey(id)); !errors.Is(err, bucket.ErrNotFound) {
				t.Errorf("what was told is still kept: %v", err)
			}
			if t.Failed() {
				t.Fatalf("where request %d failed %s", n, when)
			}
		}
	}
}

// Nothing but a rejection is ever put for a refused upload, whatever fails meanwhile.
func TestNothingOfARefusedUploadIsEverPublished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.config.Inspector = app(refuse)
	bus := h.listen()
	for when, fault := range faulttest.Faults() {
		for n, more := 1, true; more; n++ {
			id := media.NewID()
			h.put(id, "image/png", nil, drawing(t, 0))
			bus.Restart(h.expectTrue)
			var err error
			if more, err = h.handleFaulty(fault, n, created(id)); err == nil {
				h.expectTold(bus, media.ImageRejected)
			}
			h.expectNoVariant(id)
			h.mustHandle(created(id))
			h.expectNoVariant(id)
			h.expectTold(bus, media.ImageRejected)
			m := h.manifest(id)
			if m == nil || m.Status != media.Rejected || m.Rejection.Code != media.Refused || m.Rejection.Detail != "No drawings, please." || m.Placeholder != nil {
				t.Errorf("manifest %+v", m)
			}
			if t.Failed() {
				t.Fatalf("where request %d failed %s", n, when)
			}
		}
	}
}

func TestRejectedOriginalIsTaggedAfterAnyFailedRequest(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	for when, fault := range faulttest.Faults() {
		t.Run("request fails "+when, func(t *testing.T) {
			h := h.in(t)
			for n, more := 1, true; more && !t.Failed(); n++ {
				id := media.NewID()
				h.put(id, "image/jpeg", nil, []byte("no image"))
				more = h.handleWith(fault, n, nil, id, created(id))
				h.mustHandle(created(id))
				h.expectRejected(id, media.UnsupportedType)
			}
		})
	}
}
