package worker

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
)

// TestDeletionsWaitForCloudFront deletes more uploads at once than CloudFront invalidates
// at a time.
func TestDeletionsWaitForCloudFront(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	c := invalidationtest.Start(t)
	h.config.Invalidator = c.Distribution(nil)
	const count = 50
	for range count {
		queue.sent = append(queue.sent, deleted(media.NewID()))
	}
	rounds := 0
	for ; len(queue.sent) > 0; rounds++ {
		events := queue.sent
		queue.sent, queue.delays = nil, nil
		for _, event := range events {
			if !h.deliver(1, event) {
				t.Fatalf("%s has failed", event)
			}
		}
		for _, delay := range queue.delays {
			if delay < minPostponed/2 || delay > maxPostponed {
				t.Errorf("it waits %v", delay)
			}
		}
		c.Complete()
	}
	if got := len(c.Invalidated()); got != count || rounds != 4 || len(queue.changes) > 0 {
		t.Errorf("%d invalidated in %d rounds", got, rounds)
	}
}

func TestPostponedDeletionIsInvalidatedThoughAnotherOriginalIsThere(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	c := invalidationtest.Start(t)
	h.config.Invalidator = c.Distribution(nil)
	c.SetDown(true)
	id := media.NewID()
	if !h.deliver(1, deleted(id)) || len(queue.sent) != 1 {
		t.Fatalf("sent %q", queue.sent)
	}
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	if !h.deliver(1, queue.sent[0]) || len(queue.sent) != 2 || string(queue.sent[0]) != string(queue.sent[1]) {
		t.Errorf("postponed twice: %q", queue.sent)
	}
	want := h.published(id)
	c.SetDown(false)
	if !h.deliver(1, queue.sent[1]) || len(c.Invalidated()) != 1 {
		t.Errorf("invalidated %q", c.Invalidated())
	}
	h.expect(id, want)
}

func TestDeletionWaitsForCloudFrontForADay(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	c := invalidationtest.Start(t)
	c.SetDown(true)
	h.config.Invalidator = c.Distribution(nil)
	event := deleted(media.NewID())
	began := time.Now().Add(-25 * time.Hour)
	if h.deliverSent(began, 1, event) || len(queue.sent) > 0 {
		t.Errorf("sent again after a day: %q", queue.sent)
	}
	wrapped, err := json.Marshal(postponed{Invalidate: true, Since: began, RequestPayload: event})
	if err != nil {
		t.Fatal(err)
	}
	if h.deliverSent(began.Add(23*time.Hour), 1, wrapped) || len(queue.sent) > 0 {
		t.Errorf("sent again after a day, in a wrapper: %q", queue.sent)
	}
	for _, redriven := range []json.RawMessage{event, wrapped} {
		queue.sent = nil
		if !h.deliver(1, redriven) || len(queue.sent) != 1 {
			t.Errorf("sent %q, want %s to wait anew", queue.sent, redriven)
		}
	}
}
