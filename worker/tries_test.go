package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
	"github.com/presize/presize/worker/renderer"
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
// it is deleted after that. Messages with the same event are one and the same.
func (h *harness) deliver(receives int, body json.RawMessage) bool {
	h.Helper()
	return h.deliverSent(time.Now(), receives, body)
}

// deliverSent is deliver for a message that was sent at that time.
func (h *harness) deliverSent(sent time.Time, receives int, body json.RawMessage) bool {
	h.Helper()
	return h.deliverMessage(context.Background(), messageOf(body), sent, receives, body)
}

// messageOf returns the id of the message with an event: the same for each event of a kind.
func messageOf(body json.RawMessage) string {
	jobs, err := ParseEvent(body)
	if err != nil || len(jobs) != 1 {
		panic(fmt.Sprint(jobs, err))
	}
	return string(jobs[0].ID) + "-" + jobs[0].Event
}

func (h *harness) deliverMessage(ctx context.Context, id string, sent time.Time, receives int, body json.RawMessage) bool {
	h.Helper()
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: id, ReceiptHandle: "receipt", Body: string(body), EventSource: "aws:sqs",
		Attributes: map[string]string{
			"ApproximateReceiveCount": strconv.Itoa(receives),
			"SentTimestamp":           strconv.FormatInt(sent.UnixMilli(), 10),
		},
	}}})
	if err != nil {
		h.Fatal(err)
	}
	answer, err := New(h.config).Handle(ctx, event)
	response, ok := answer.(events.SQSEventResponse)
	if err != nil || !ok {
		h.Fatalf("answered %v, %v", answer, err)
	}
	return len(response.BatchItemFailures) == 0
}

// deliverFaulty is deliver where the n-th request goes wrong. It reports whether there were
// as many.
func (h *harness) deliverFaulty(fault faulttest.Fault, n, receives int, body json.RawMessage) (injected, deleted bool) {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, happened := faulttest.At(n, fault, cancel)
	h.wire.Restart(step)
	deleted = h.deliverMessage(ctx, messageOf(body), time.Now(), receives, body)
	h.wire.Restart(nil)
	return happened(), deleted
}

// records returns the keys of the records of a message's tries.
func (h *harness) records(message string) (keys []string) {
	h.Helper()
	for object, err := range h.Output.List(h.Context(), media.TryPrefix(message)) {
		if err != nil {
			h.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}

// down lets the requests fail whose method and path start so.
func (h *harness) down(requests ...string) {
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		for _, prefix := range requests {
			if strings.HasPrefix(request.Method+" "+request.URL.RequestURI(), prefix) {
				return nil, faulttest.ErrInjected
			}
		}
		return carry()
	})
}

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

// record puts the record of a try, as the worker does before it begins.
func (h *harness) record(message string, receives int) {
	h.Helper()
	d := &delivery{Worker: New(h.config), message: events.SQSMessage{MessageId: message}, receives: receives}
	if err := d.put(h.Context(), d.key()); err != nil {
		h.Fatal(err)
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
