//go:build !quick

package worker

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
	"github.com/presize/presize/worker/renderer/renderertest"
)

// TestOriginalComesAndGoesAtAnyMoment changes the original before each request of
// a job in turn. The events of the change are handled at once, beside that job.
func TestOriginalComesAndGoesAtAnyMoment(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	beside, _ := h.beside()
	handle := func(event json.RawMessage) {
		if _, err := beside.Handle(context.Background(), event); err != nil {
			t.Error(err)
		}
	}
	next := drawing(t, 200)
	for name, change := range map[string]func(media.ID){
		"removed": func(id media.ID) {
			h.remove(id)
			handle(deleted(id))
		},
		"replaced": func(id media.ID) {
			h.remove(id)
			handle(deleted(id))
			h.put(id, "image/png", nil, next)
			handle(created(id))
		},
		"put again": func(id media.ID) {
			h.remove(id)
			handle(deleted(id))
			h.put(id, "image/png", nil, drawing(t, 0))
			handle(created(id))
		},
		"put again, events in the wrong order": func(id media.ID) {
			h.remove(id)
			h.put(id, "image/png", nil, drawing(t, 0))
			handle(created(id))
			handle(deleted(id))
		},
		"replaced, events in the wrong order": func(id media.ID) {
			h.remove(id)
			h.put(id, "image/png", nil, next)
			handle(created(id))
			handle(deleted(id))
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n, more := 1, true; more; n++ {
				more = h.in(t).changeBeforeRequest(n, change)
			}
		})
	}
}

// changeBeforeRequest handles the event of an original that changes before the
// n-th request, and reports false if there are fewer requests.
func (h *harness) changeBeforeRequest(n int, change func(media.ID)) bool {
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(h.T, 0))
	changed := false
	h.wire.Restart(func(i int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if i == n {
			change(id)
			changed = true
		}
		return carry()
	})
	cdn := new(invalidations)
	h.config.Invalidator = cdn
	h.mustHandle(created(id))
	h.wire.Restart(nil)
	if !changed {
		return false
	}
	got := h.published(id)
	if original, err := h.Input.Head(context.Background(), media.OriginalKey(id)); err != nil {
		h.expect(id, nil)
	} else if _, info, err := h.Output.Get(context.Background(), media.ManifestKey(id), 1<<20); err != nil || info.Metadata[finished.MetadataName] != finished.Identity(original) {
		h.Errorf("request %d: manifest of %q, %v; want %q", n, info.Metadata, err, finished.Identity(original))
	}
	h.mustHandle(created(id))
	h.expect(id, got) // an undisturbed job finds nothing to do
	if m := h.manifest(id); m != nil && !m.Complete {
		h.Errorf("request %d: incomplete", n)
	}
	return true
}

// TestJobsOfTwoOriginalsBesideEachOtherEndInTheLastOne lets the job of the second
// original put its variants before, and its manifests after, those of the first.
func TestJobsOfTwoOriginalsBesideEachOtherEndInTheLastOne(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	next := drawing(t, 200)
	h.put(id, "image/png", nil, next)
	h.mustHandle(created(id))
	want := h.published(id)
	h.clear(id)

	h.put(id, "image/png", nil, drawing(t, 0))
	beside, wire := h.beside()
	hasVariants, mayFinish, finished := make(chan struct{}), make(chan struct{}), make(chan error)
	reached := sync.OnceFunc(func() { close(hasVariants); <-mayFinish })
	wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if isPut(request, "manifest.json") {
			reached()
		}
		return carry()
	})
	replace := sync.OnceFunc(func() {
		h.put(id, "image/png", nil, next)
		go func() {
			_, err := beside.Handle(context.Background(), created(id))
			finished <- err
		}()
		<-hasVariants
	})
	finish := sync.OnceFunc(func() {
		close(mayFinish)
		if err := <-finished; err != nil {
			t.Error(err)
		}
	})
	manifests := 0
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		switch {
		case isPut(request, "manifest.json"):
			manifests++
		case isPut(request, ""):
			replace()
		case manifests == 2: // the look afterwards
			finish()
		}
		return carry()
	})
	h.mustHandle(created(id))
	h.expect(id, want)
}

var kills = flag.Int("kills", 30, "renders of which the renderer is killed at a random moment")

// TestRendererDiesAtRandomMoments kills it again and again while uploads are rendered. It
// takes -kills 300 for a proof.
func TestRendererDiesAtRandomMoments(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	file := drawing(t, 0)
	moments := rand.New(rand.NewPCG(1, 2))
	outcomes := make(map[media.Status]int)
	killed := 0
	for range *kills {
		id := media.NewID()
		h.put(id, "image/png", nil, file)
		ended := make(chan error, 1)
		go func() { ended <- h.handle(context.Background(), created(id)) }()
		moment := time.NewTicker(time.Duration(1+moments.IntN(60)) * time.Millisecond)
		var err error
		for running := true; running; {
			select {
			case err = <-ended:
				running = false
			case <-moment.C:
				killed += renderertest.Kill(t)
			}
		}
		moment.Stop()
		m := h.manifest(id)
		if m == nil {
			t.Fatalf("no manifest; the job ended with %v", err)
		}
		outcomes[m.Status]++
		if err == nil && !m.Complete {
			t.Errorf("%+v, and no error", m)
		}
		if err != nil {
			h.expectFailed(id)
		}
	}
	t.Logf("killed %d processes in %d renders: %v", killed, *kills, outcomes)
	if killed == 0 {
		t.Error("nothing was killed")
	}
	id := media.NewID() // and the worker goes on
	h.put(id, "image/png", nil, file)
	h.mustHandle(created(id))
	if m := h.manifest(id); !m.Complete {
		t.Errorf("manifest %+v", m)
	}
}

// TestDeletionIsToldAfterAllElse removes the original before each request of a job in
// turn, those to EventBridge included, with the job of the removal beside it. It does the
// same where no variant can be put after that.
func TestDeletionIsToldAfterAllElse(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	bus := h.listen()
	other := *h
	other.connect()
	other.config.Notifier = bus.EventBridge(other.wire)
	beside := New(other.config)
	for name, down := range map[string]string{"all goes well": ".none", "WebP fails": ".webp", "AVIF fails": ".avif"} {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			for n, removed := 1, true; removed; n++ {
				id := media.NewID()
				h.put(id, "image/png", nil, drawing(t, 0))
				bus.Restart(nil)
				removed = false
				h.wire.Restart(func(i int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
					if i == n {
						removed = true
						h.remove(id)
						if _, err := beside.Handle(context.Background(), deleted(id)); err != nil {
							t.Error(err)
						}
					}
					if removed && isPut(request, down) {
						return nil, faulttest.ErrInjected
					}
					return carry()
				})
				err := h.try(context.Background(), created(id))
				h.wire.Restart(nil)
				if !removed {
					break
				}
				if err != nil {
					t.Errorf("removed before request %d: %v", n, err)
				}
				h.expect(id, nil)
				events := bus.Events()
				if len(events) > 0 && events[len(events)-1].Type != media.ImageDeleted {
					t.Errorf("removed before request %d: told %s last", n, events[len(events)-1].Type)
				}
				if _, err := h.Output.Head(t.Context(), media.ToldKey(id)); !errors.Is(err, bucket.ErrNotFound) {
					t.Errorf("removed before request %d: what was told is still kept: %v", n, err)
				}
			}
		})
	}
}
