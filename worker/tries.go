package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/smithy-go"
)

// Tries is how often an original is rendered before it has failed. A message of the queue
// is delivered once more than that: the last try may have ended with the process, which
// then could not publish that the original has failed.
const Tries = 3

// attempt is where a delivery of an event stands among its tries.
type attempt int

const (
	early attempt = iota // others follow
	last                 // a failure is published
	over                 // nothing is rendered; that it has failed is published
)

// attemptOf returns the attempt of a message that was received so many times.
func attemptOf(receives int) attempt {
	switch {
	case receives < Tries:
		return early
	case receives == Tries:
		return last
	default:
		return over
	}
}

var (
	// errOver is the error of an original that is not tried again.
	errOver = errors.New("all tries have failed or were cut off")
	// errFailed says that it is published that an original has failed.
	errFailed = errors.New("published as failed")
)

// Queue is the queue that events come from.
type Queue interface {
	// Send sends an event that can be received after a delay of at most 15 min. It
	// returns no error only if the queue has stored it.
	Send(ctx context.Context, body string, delay time.Duration) error
	// ChangeVisibility lets a message that was received come back after a delay of at
	// most 12 h, instead of after the queue's visibility timeout.
	ChangeVisibility(ctx context.Context, receipt string, delay time.Duration) error
}

const (
	// minPostponed and maxPostponed bound how long an event waits for CloudFront, each
	// time; the second one is the longest delay of SQS.
	minPostponed = 30 * time.Second
	maxPostponed = 15 * time.Minute
	// longestPostponed is how old an event is when waiting for CloudFront has failed.
	longestPostponed = 24 * time.Hour
)

// receive handles a message of the queue. An error leaves the message in the queue.
func (w *Worker) receive(ctx context.Context, message events.SQSMessage) error {
	receives, err := strconv.Atoi(message.Attributes["ApproximateReceiveCount"])
	if err != nil {
		receives = Tries // nothing tells whether others follow
	}
	jobs, err := w.handle(ctx, []byte(message.Body), attemptOf(receives))
	if err == nil || w.Queue == nil {
		return err
	}
	if w.mayPostpone(jobs, err) {
		if err = w.postpone(ctx, jobs, message.Body); err == nil {
			return nil
		}
		w.Log.ErrorContext(ctx, "event not postponed", requestID(ctx), "err", err)
	}
	if changeErr := w.Queue.ChangeVisibility(ctx, message.ReceiptHandle, w.backoff(receives, err)); changeErr != nil {
		w.Log.WarnContext(ctx, "the next try waits for the visibility timeout", requestID(ctx), "err", changeErr)
	}
	return err
}

// backoff returns how long the next delivery waits: four times as long each time, and not
// at all where there is nothing left to do but to dead-letter the message.
func (w *Worker) backoff(receives int, err error) time.Duration {
	if receives > Tries || errors.Is(err, errFailed) {
		return 0
	}
	return w.Backoff << (2 * max(receives-1, 0))
}

// mayPostpone reports whether an event only waits for CloudFront, which does so many
// invalidations with a wildcard at a time, and no more:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
func (w *Worker) mayPostpone(jobs []Job, err error) bool {
	return isThrottled(err) && len(jobs) > 0 && time.Since(jobs[0].Time) < longestPostponed
}

// errThrottled is the error of an invalidation that CloudFront has refused for now. Other
// services have errors of the same code, EventBridge for one, which count as tries.
var errThrottled = errors.New("CloudFront does no more invalidations for now")

// isThrottled reports whether CloudFront has refused an invalidation for now.
func isThrottled(err error) bool { return errors.Is(err, errThrottled) }

// throttled marks the error of an invalidation that CloudFront has refused for now.
func throttled(err error) error {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.ErrorCode() {
	case "TooManyInvalidationsInProgress", "Throttling", "ThrottlingException":
		return fmt.Errorf("%w: %w", errThrottled, err)
	}
	return err
}

// postponed wraps an event whose invalidation CloudFront has refused.
type postponed struct {
	Invalidate     bool            `json:"invalidate"`
	RequestPayload json.RawMessage `json:"requestPayload"`
}

// postpone sends an event again, as a message of its own: waiting for CloudFront counts
// as no try, and the receive count of a message can't be taken back. The older an event
// is, the longer it waits; by chance, so that many events don't come back at once.
func (w *Worker) postpone(ctx context.Context, jobs []Job, body string) error {
	var already postponed
	if json.Unmarshal([]byte(body), &already) != nil || !already.Invalidate {
		document, err := json.Marshal(postponed{Invalidate: true, RequestPayload: json.RawMessage(body)})
		if err != nil {
			return err
		}
		body = string(document)
	}
	delay := min(max(time.Since(jobs[0].Time), minPostponed), maxPostponed)
	return w.Queue.Send(ctx, body, delay/2+rand.N(delay/2))
}
