package worker

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

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

// clear removes everything that was published for id, behind the worker's back.
func (h *harness) clear(id media.ID) {
	h.Helper()
	for key := range h.published(id) {
		if err := h.Output.Delete(context.Background(), key); err != nil {
			h.Fatal(err)
		}
	}
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
