package worker

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
)

func TestRenderingThatIsCutOffIsATryOnlyIfItTookTheTime(t *testing.T) {
	for name, test := range map[string]struct {
		others, renders time.Duration
		want            bool
	}{
		"the renderer is slow":           {20 * time.Second, time.Hour, true},
		"S3 is slow":                     {110 * time.Second, time.Hour, false},
		"the renderer fails after S3":    {100 * time.Second, time.Second, true},
		"the renderer fails, time is up": {3 * time.Minute, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				r := &run{report: newReport(Job{})}
				<-time.After(test.others)
				_, err := r.nextVariant(ctx, func() (renderer.Variant, error, bool) {
					select {
					case <-ctx.Done():
						return renderer.Variant{}, ctx.Err(), true
					case <-time.After(test.renders):
						return renderer.Variant{}, errors.New("broken"), true
					}
				})
				if got := errors.Is(err, errUnrendered); err == nil || got != test.want {
					t.Errorf("a try: %t, want %t: %v", got, test.want, err)
				}
			})
		})
	}
}

func TestRequestThatHangsIsNoTry(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if request.Method == http.MethodHead {
			<-request.Context().Done()
			return nil, request.Context().Err()
		}
		return carry()
	})
	ctx, cancel := context.WithTimeout(t.Context(), closing+time.Second)
	defer cancel()
	if h.deliverMessage(ctx, "m", time.Now(), 2, created(id)) {
		t.Error("the event is deleted")
	}
	h.wire.Restart(nil)
	if records := h.records("m"); len(records) > 0 || len(queue.changes) != 1 {
		t.Errorf("counted %q, waits %v", records, queue.changes)
	}
}

// TestThrottledReceivesAreNoTries delivers a message for the first time after SQS has
// counted some receives that Lambda has throttled.
func TestThrottledReceivesAreNoTries(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	h.config.Renderer = h.deadRenderer()
	for _, first := range []int{2, Tries + 1, MaxReceives - Tries + 1} {
		id := media.NewID()
		h.put(id, "image/png", nil, drawing(t, 0))
		for receives := first; receives < first+Tries; receives++ {
			if m := h.manifest(id); m != nil {
				t.Errorf("before delivery %d of %d on: manifest %+v", receives, first, m)
			}
			h.deliver(receives, created(id))
		}
		h.expectFailed(id)
	}
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	if h.deliver(MaxReceives, created(id)) {
		t.Error("an event that has failed is deleted")
	}
	h.expectFailed(id) // it is dead-lettered after this one try
}

// TestFailureOfAServiceIsNoTry lets S3 fail for as long as there are deliveries.
func TestFailureOfAServiceIsNoTry(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	for name, requests := range map[string][]string{
		"all":            {""},
		"originals":      {"GET /presize-input/"},
		"variants":       {"PUT /presize-output/i/"},
		"records listed": {"GET /presize-output/?list-type=2&prefix=tries", "GET /presize-output?"},
		"records put":    {"PUT /presize-output/tries/"},
	} {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			queue := h.queue()
			id := media.NewID()
			h.put(id, "image/png", nil, drawing(t, 0))
			h.down(requests...)
			if strings.HasPrefix(name, "records") {
				h.down(append(requests, "GET /presize-input/")...)
				if h.deliver(1, created(id)) {
					t.Error("delivery 1 is deleted")
				}
				h.down(requests...)
			}
			for receives := len(queue.changes) + 1; receives < MaxReceives; receives++ {
				if h.deliver(receives, created(id)) {
					t.Errorf("delivery %d is deleted", receives)
				}
				if m := h.manifest(id); m != nil {
					t.Errorf("after delivery %d: manifest %+v", receives, m)
				}
			}
			want := append([]time.Duration{time.Minute, 4 * time.Minute}, slices.Repeat([]time.Duration{maxBackoff}, MaxReceives-3)...)
			if !slices.Equal(queue.changes, want) {
				t.Errorf("they wait %v, want %v", queue.changes, want)
			}
			h.wire.Restart(nil)
			if keys := h.records(messageOf(created(id))); len(keys) > 0 {
				t.Errorf("counted %q", keys)
			}
			if !h.deliver(MaxReceives, created(id)) {
				t.Error("it fails though nothing does")
			}
			if m := h.manifest(id); m == nil || !m.Complete {
				t.Errorf("manifest %+v", m)
			}
		})
	}
}

func TestQueueThatIsAwayChangesNothing(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	queue.err = errors.New("queue is away")
	c := invalidationtest.Start(t)
	c.SetDown(true)
	h.config.Invalidator = c.Distribution(nil)
	id := media.NewID()
	if h.deliver(1, deleted(id)) {
		t.Error("an event is lost")
	}
	c.SetDown(false)
	if !h.deliver(2, deleted(id)) {
		t.Error("the next try failed")
	}
}
