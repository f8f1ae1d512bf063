package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/finished"
)

// notes is a queue that writes down what it is told.
type notes struct {
	sent    []json.RawMessage
	delays  []time.Duration // of what was sent
	changes []time.Duration
	err     error // of everything
}

func (n *notes) Send(_ context.Context, body string, delay time.Duration) error {
	n.sent, n.delays = append(n.sent, json.RawMessage(body)), append(n.delays, delay)
	return n.err
}

func (n *notes) ChangeVisibility(_ context.Context, receipt string, delay time.Duration) error {
	if receipt != "receipt" {
		return fmt.Errorf("no message has the receipt %q", receipt)
	}
	n.changes = append(n.changes, delay)
	return n.err
}

// queue gives the worker a queue.
func (h *harness) queue() *notes {
	n := new(notes)
	h.config.Queue, h.config.Backoff = n, time.Minute
	return n
}

// deliver hands the worker a message that was received so many times, and reports whether
// it is deleted after that.
func (h *harness) deliver(receives int, body json.RawMessage) bool {
	h.Helper()
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: "m", ReceiptHandle: "receipt", Body: string(body), EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)},
	}}})
	if err != nil {
		h.Fatal(err)
	}
	answer, err := New(h.config).Handle(context.Background(), event)
	response, ok := answer.(events.SQSEventResponse)
	if err != nil || !ok {
		h.Fatalf("answered %v, %v", answer, err)
	}
	return len(response.BatchItemFailures) == 0
}

func TestOnlyTheLastTryIsPublishedAsFailed(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	working := h.config.Renderer
	h.config.Renderer = h.deadRenderer()
	for receives := 1; receives <= Tries+1; receives++ {
		if receives > Tries {
			h.config.Renderer = working // which is not asked
		}
		if h.deliver(receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
		if receives >= Tries {
			h.expectFailed(id)
		} else if m := h.manifest(id); m != nil {
			t.Errorf("after try %d: manifest %+v", receives, m)
		}
	}
	if want := []time.Duration{time.Minute, 4 * time.Minute, 0, 0}; !slices.Equal(queue.changes, want) {
		t.Errorf("they wait %v, want %v", queue.changes, want)
	}
	if !h.deliver(1, created(id)) { // a redrive
		t.Error("the redriven event failed")
	}
	if m := h.manifest(id); m.Status != media.Ready || !m.Complete || m.Failure != nil {
		t.Errorf("manifest %+v", m)
	}
}

func TestLastTryThatWasCutOffIsPublishedAsFailedByTheNextDelivery(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	queue := h.queue()
	cut, done := media.NewID(), media.NewID()
	for _, id := range []media.ID{cut, done} {
		h.put(id, "image/png", nil, drawing(t, 0))
	}
	if h.deliver(Tries+1, created(cut)) {
		t.Error("an event that has failed is deleted")
	}
	h.expectFailed(cut)
	h.mustHandle(created(done)) // and only then its try was cut off
	if !h.deliver(Tries+1, created(done)) {
		t.Error("an event of what is done is dead-lettered")
	}
	if want := []time.Duration{0}; !slices.Equal(queue.changes, want) {
		t.Errorf("they wait %v, want %v", queue.changes, want)
	}
}

// TestDeadLetteredEventIsPublishedAsFailedWhateverFails lets each request of the last try
// go wrong in turn.
func TestDeadLetteredEventIsPublishedAsFailedWhateverFails(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.queue()
	for when, fault := range faulttest.Faults() {
		for n, more := 1, true; more; n++ {
			id := media.NewID()
			h.put(id, "image/png", nil, drawing(t, 0))
			step, injected := faulttest.At(n, fault, func() {})
			h.wire.Restart(step)
			deleted := h.deliver(Tries, created(id))
			h.wire.Restart(nil)
			more = injected()
			if !deleted {
				deleted = h.deliver(Tries+1, created(id))
			}
			m := h.manifest(id)
			if complete := m != nil && m.Status == media.Ready && m.Complete; m == nil || deleted != complete {
				t.Errorf("request %d failed %s: deleted %t, manifest %+v", n, when, deleted, m)
			}
			if !deleted {
				h.expectFailed(id)
			}
		}
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
	e := s3local.NewEvent("ObjectRemoved:Delete", s3test.Input, media.OriginalKey(media.NewID()), 1, "")
	e.Records[0].EventTime = time.Now().Add(-25 * time.Hour)
	event, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if h.deliver(1, event) || len(queue.sent) > 0 {
		t.Errorf("sent again after a day: %q", queue.sent)
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
			h.deliver(Tries, created(id))
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
	h.queue()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	working := h.config.Renderer
	h.config.Presets, h.config.Renderer = sketch(t, 70), h.deadRenderer()
	for _, receives := range []int{Tries, Tries + 1} {
		if h.deliver(receives, created(id)) {
			t.Errorf("delivery %d is deleted", receives)
		}
		h.expect(id, want)
	}
	h.config.Renderer = working
	h.mustHandle(created(id))
	if m := h.manifest(id); m.Rev != h.config.Presets[0].Rev() || !m.Complete {
		t.Errorf("manifest %+v", m)
	}
}
