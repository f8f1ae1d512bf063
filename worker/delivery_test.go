package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
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

// record puts the record of a try, as the worker does before it begins.
func (h *harness) record(message string, receives int) {
	h.Helper()
	d := &delivery{Worker: New(h.config), message: events.SQSMessage{MessageId: message}, receives: receives}
	if err := d.put(h.Context(), d.key()); err != nil {
		h.Fatal(err)
	}
}
