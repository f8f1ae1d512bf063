package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/worker/renderer"
	"github.com/presize/presize/worker/renderer/renderertest"
)

// expectFailed fails the test unless id has a failed manifest and its original, untagged.
func (h *harness) expectFailed(id media.ID) {
	h.Helper()
	m := h.manifest(id)
	if m == nil || m.Status != media.Failed || m.Complete || m.Failure == nil || len(m.Failure.Detail) < 10 {
		h.Fatalf("manifest %+v", m)
	}
	h.expectSound(id)
	h.expectTags(id, map[string]string{}) // and so the original is there
}

// deadRenderer is one whose processes end at once.
func (h *harness) deadRenderer() *renderer.Renderer {
	h.Helper()
	path, err := exec.LookPath("false")
	if err != nil {
		h.Fatal(err)
	}
	return renderertest.StartWith(h.T, renderer.Config{Path: path, Log: slog.New(slog.DiscardHandler)})
}

func TestOriginalThatEndsTheRendererTwiceFailsAndIsTriedAgain(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.config.Log = metric.NewLog(h.log, "presize-test-worker")
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	working := h.config.Renderer
	h.config.Renderer = h.deadRenderer()
	for range 2 { // a failed manifest ends nothing
		taken := h.taken(created(id))
		if taken["Failed"] != 1 || taken["FailedUploads"] != 1 {
			t.Errorf("measured %v", taken)
		}
		h.expectFailed(id)
	}
	var failure *renderer.Failure
	if err := h.handle(context.Background(), created(id)); !errors.As(err, &failure) {
		t.Errorf("got %v, want a failure, which asks for the event again", err)
	}
	h.config.Renderer = working
	h.mustHandle(created(id))
	if m := h.manifest(id); m.Status != media.Ready || !m.Complete || m.Failure != nil {
		t.Errorf("manifest %+v", m)
	}
}

func TestFailureKeepsWhatEarlierJobsHavePublished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if isPut(request, ".avif") {
			return nil, errors.New("cut off")
		}
		return carry()
	})
	if h.deliver(1, created(id)) {
		t.Fatal("it succeeded")
	}
	h.wire.Restart(nil)
	ready := h.manifest(id)
	if ready == nil || ready.Status != media.Ready || ready.Complete {
		t.Fatalf("manifest %+v", ready)
	}
	h.config.Renderer = h.deadRenderer()
	for range 2 {
		if err := h.handle(context.Background(), created(id)); err == nil {
			t.Fatal("no error")
		}
		h.expectFailed(id)
		if m := h.manifest(id); len(m.Variants) != len(ready.Variants) || m.Placeholder == nil {
			t.Errorf("manifest %+v, want the variants of %+v", m, ready)
		}
	}
}

// TestRendererThatDiesOnceIsReplaced kills it before each request of a job in turn.
func TestRendererThatDiesOnceIsReplaced(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	for n, more := 1, true; more; n++ {
		h.clear(id)
		more = false
		h.wire.Restart(func(i int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
			if i == n {
				more = true
				renderertest.Kill(t)
			}
			return carry()
		})
		h.mustHandle(created(id))
		h.wire.Restart(nil)
		h.expect(id, want)
	}
}

// TestReadyNeverReplacesComplete lets one job of an upload complete it while another one
// is about to put a manifest: each that it puts, in turn.
func TestReadyNeverReplacesComplete(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	beside, _ := h.beside()
	for n := range 2 {
		id := media.NewID()
		h.put(id, "image/png", nil, drawing(t, 0))
		manifests, overtaken := 0, false
		h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
			if isPut(request, "manifest.json") {
				if manifests == n {
					overtaken = true
					if _, err := beside.Handle(context.Background(), created(id)); err != nil {
						t.Error(err)
					}
				}
				manifests++
			}
			response, err := carry()
			if m := h.manifest(id); overtaken && (m == nil || !m.Complete) {
				t.Errorf("before manifest %d was put, the upload was complete; now it is %+v", n+1, m)
			}
			return response, err
		})
		h.mustHandle(created(id))
		h.wire.Restart(nil)
		if !overtaken {
			t.Errorf("manifest %d was never put", n+1)
		}
		want := h.published(id)
		h.mustHandle(created(id))
		h.expect(id, want)
	}
}

// TestFailedReplacesNothingBetter lets a job fail after another one has published.
func TestFailedReplacesNothingBetter(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	beside, _ := h.beside()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.config.Renderer = h.deadRenderer()
	overtaken := false
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if isPut(request, "manifest.json") && !overtaken {
			overtaken = true
			if _, err := beside.Handle(context.Background(), created(id)); err != nil {
				t.Error(err)
			}
		}
		return carry()
	})
	if err := h.handle(context.Background(), created(id)); err == nil {
		t.Error("no error: the job has not seen that it is done")
	}
	if m := h.manifest(id); !overtaken || m.Status != media.Ready || !m.Complete {
		t.Errorf("manifest %+v", m)
	}
}

func TestOriginalThatNoMemoryHoldsIsNotFetched(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.config.Limits.Bytes = 5 << 30 // a generous operator
	h.config.Renderer = renderertest.StartWith(t, renderer.Config{
		Path: renderertest.Path(t), Memory: renderer.Reserve + 1<<10, Log: slog.New(slog.DiscardHandler),
	})
	id := media.NewID()
	h.put(id, "image/png", nil, []byte("\x89PNG\r\n\x1a\n"+strings.Repeat("x", 1<<10)))
	h.mustHandle(created(id))
	h.expectRejected(id, media.TooManyBytes)
	for _, request := range h.wire.Sent("GET /presize-input/") {
		if !strings.HasSuffix(request, "?tagging") {
			t.Errorf("sent %q", request)
		}
	}
}
