// Package notify sends events to the app's backend as webhooks, by the specification
// Standard Webhooks 1.0. A queue holds the events, which a rule of EventBridge sends there.
//
// What others may rely on:
//
//   - A delivery is acknowledged only after the receiver has answered it with a 2xx.
//     Everything else is tried again, [Tries] times over three days, and is then
//     dead-lettered.
//   - Each try has the same body and the same webhook-id, and its own timestamp.
//   - Deliveries come at least once and in any order.
//   - Nothing is sent to an address that the client's policy does not allow, also where
//     DNS gives another address than before. Redirects are answers like any other.
//
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
)

const (
	// Tries is how often an event is sent. The last one comes 75 to 90 hours after the
	// first.
	Tries = 20

	firstDelay = 10 * time.Second
	maxDelay   = 6 * time.Hour // so a receiver that is back waits no longer
)

// Config is what a Notify needs. All of it is required.
type Config struct {
	URL     string // of the receiver, see [ParseURL]
	Secrets Secrets
	Client  *http.Client // see [NewClient]
	Queue   Queue
	// Delay says how long to wait after a try has failed; they are counted from 1.
	// [Backoff] is for SQS.
	Delay func(try int) time.Duration
	Log   *slog.Logger
}

// Secrets returns the secrets that deliveries are signed with, one or two, each as
// whsec_ and base64.
type Secrets func(ctx context.Context) ([]string, error)

// Queue is the queue that the events come from.
type Queue interface {
	// ChangeVisibility makes a message that was received come back after the delay.
	ChangeVisibility(ctx context.Context, receipt string, delay time.Duration) error
}

// Notify is the function behind the queue. It is safe for concurrent use.
type Notify struct{ Config }

// New returns a Notify.
func New(config Config) *Notify { return &Notify{config} }

// Handle delivers the events in the messages of a batch, all at once. The answer names
// those that the queue must deliver again: the event source mapping must have
// ReportBatchItemFailures set.
func (n *Notify) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	var all sync.WaitGroup
	var mu sync.Mutex
	for _, message := range batch.Records {
		all.Go(func() {
			if n.deliver(ctx, message) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			failure := events.SQSBatchItemFailure{ItemIdentifier: message.MessageId}
			response.BatchItemFailures = append(response.BatchItemFailures, failure)
		})
	}
	all.Wait()
	return response, nil
}

// deliver sends the event in a message once, and postpones the message if that fails.
func (n *Notify) deliver(ctx context.Context, message events.SQSMessage) (delivered bool) {
	began := time.Now()
	try, _ := strconv.Atoi(message.Attributes["ApproximateReceiveCount"]) // 0 where it is missing, which is the first
	eventID, body, err := webhook([]byte(message.Body))
	if err == nil {
		err = n.send(ctx, eventID, body)
	}
	log := n.Log.With("eventId", eventID, "try", try, "elapsed", time.Since(began))
	if err == nil {
		log.InfoContext(ctx, "delivered", metric.Count("Delivered"))
		return true
	}
	delay := n.Delay(try)
	log.WarnContext(ctx, "not delivered", "err", err, "delay", delay, metric.Count("Undelivered"))
	if err := n.Queue.ChangeVisibility(ctx, message.ReceiptHandle, delay); err != nil {
		log.WarnContext(ctx, "not postponed, the queue delivers it again after its visibility timeout", "err", err)
	}
	return false
}

// Backoff waits three times as long each time, and up to a fifth longer at random, so that
// what failed together does not come back together. After the last of [Tries] it waits for
// nothing: the queue dead-letters.
func Backoff(try int) time.Duration {
	if try >= Tries {
		return 0
	}
	delay := firstDelay
	for range try - 1 {
		delay = min(3*delay, maxDelay)
	}
	return delay + rand.N(delay/5)
}

// envelope is an event as EventBridge delivers it to a queue, as far as it matters here.
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
type envelope struct {
	Source     string          `json:"source"`
	DetailType media.EventType `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Detail     media.EventData `json:"detail"`
}

// Message returns an event as EventBridge delivers it to a queue, for queues without one.
func Message(event media.Event) ([]byte, error) {
	return json.Marshal(envelope{"presize", event.Type, event.Timestamp, event.Data})
}

// webhook returns the id and the body of the webhook for a message.
func webhook(document []byte) (eventID string, body []byte, err error) {
	var m envelope
	if err := json.Unmarshal(document, &m); err != nil {
		return "", nil, fmt.Errorf("read message: %w", err)
	}
	event := media.Event{Type: m.DetailType, Timestamp: m.Time.UTC(), Data: m.Detail}
	if event.Type == "" || event.Data.EventID == "" {
		return "", nil, fmt.Errorf("read message: not an event of presize")
	}
	if body, err = event.Encode(); err == nil && len(body) > media.MaxEvent {
		err = fmt.Errorf("the event has %d bytes, more than %d", len(body), media.MaxEvent)
	}
	return event.Data.EventID, body, err
}
