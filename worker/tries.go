package worker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
)

const (
	// Tries is how often an original is rendered before it has failed.
	Tries = 3
	// MaxReceives is how often a message of the queue is received before SQS moves it to
	// the failure queue. An original that ends the process at each try needs 5: the first
	// try leaves no record, three more are counted, and the fifth receive publishes that
	// it has failed. The others are for receives that are no tries: invocations that
	// Lambda throttles, for which AWS advises 5 receives at least, and failures of S3 and
	// other services. It takes 16 to outlast three hours of either.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	MaxReceives = 16
	// maxBackoff bounds how long a message waits after a failure. Messages that wait so are
	// in flight, and SQS hands out no others while 120,000 are.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html
	maxBackoff = 15 * time.Minute
)

// attempt says what a failure of a delivery means.
type attempt int

const (
	early attempt = iota // others follow
	last                 // the original has failed if the renderer fails
	over                 // nothing is rendered; the original has failed, whatever the reason
	final                // the original has failed, whatever the reason: no delivery follows
)

var (
	// errUnrendered is the failure of a try, in contrast to one of S3 or another service,
	// which says nothing about the original.
	errUnrendered = errors.New("original not rendered")
	// errOver is the error of an original that is not tried again.
	errOver = fmt.Errorf("%w: all tries have failed or were cut off", errUnrendered)
	// errFailed says that an original has failed, that this is published, and that the
	// backend was told. Where images of an earlier revision stay, nothing is published.
	errFailed = errors.New("failed for the last time")
)

// unrendered marks an error of the renderer as the failure of a try. Where time is up, that
// is the renderer's fault only if the job has mostly waited for the renderer, and not for S3
// or another service.
func (r *run) unrendered(ctx context.Context, err error) error {
	if ctx.Err() != nil && r.report.probe+r.report.render < time.Since(r.report.began)/2 {
		return err
	}
	return fmt.Errorf("%w: %w", errUnrendered, err)
}

// gaveUp reports whether the error of a job means that the original has failed.
func (r *run) gaveUp(err error) bool {
	switch {
	case err == nil, errors.Is(err, errReplaced), errors.Is(err, errSuperseded), isThrottled(err):
		return false
	case r.attempt == over, r.attempt == final:
		return true
	default:
		return r.attempt != early && errors.Is(err, errUnrendered)
	}
}

// Queue is the queue that events come from.
type Queue interface {
	// Send sends an event that can be received after a delay of at most 15 min. It
	// returns no error only if the queue has stored it.
	Send(ctx context.Context, body string, delay time.Duration) error
	// ChangeVisibility lets a message that was received come back after a delay of at
	// most 12 h, instead of after the queue's visibility timeout.
	ChangeVisibility(ctx context.Context, receipt string, delay time.Duration) error
}

// delivery is a message of the queue, as it was received.
//
// SQS counts receives, but a receive is no try where Lambda throttles the invocation. So
// tries are counted here: the output bucket has an object for each. A first receive costs
// no request for that, unless its try fails; the record of any other try is put before the
// try begins, so that one that ends the process counts. A message that is redriven has a
// new id, and begins anew.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
//
// SQS may deliver a message to two workers at a time. Each of them counts its own try.
type delivery struct {
	*Worker
	message  events.SQSMessage
	receives int // of the message, this one included
	tries    int // of the message, this one included once it counts
}

// receive handles a message of the queue. An error leaves the message in the queue.
func (w *Worker) receive(ctx context.Context, message events.SQSMessage) error {
	d := &delivery{Worker: w, message: message}
	var err error
	if d.receives, err = strconv.Atoi(message.Attributes["ApproximateReceiveCount"]); err != nil {
		d.receives = 2 // there may have been others
	}
	attempt, err := d.begin(ctx)
	if err == nil {
		var jobs []Job
		jobs, err = w.handle(ctx, []byte(message.Body), attempt)
		if w.Queue != nil && d.mayPostpone(jobs, err) {
			postponeErr := d.postpone(ctx)
			if postponeErr == nil {
				return nil
			}
			w.Log.ErrorContext(ctx, "event not postponed", requestID(ctx), "err", postponeErr)
		}
		d.end(ctx, err)
	}
	if err == nil || w.Queue == nil {
		return err
	}
	if changeErr := w.Queue.ChangeVisibility(ctx, message.ReceiptHandle, d.backoff(err)); changeErr != nil {
		w.Log.WarnContext(ctx, "the next try waits for the visibility timeout", requestID(ctx), "err", changeErr)
	}
	return err
}

// begin counts the tries of the message, puts a record of the one that begins, and returns
// what a failure of it means. It fails with errFailed where the message is on its way to the
// failure queue.
func (d *delivery) begin(ctx context.Context) (attempt, error) {
	if d.receives == 1 {
		return early, nil
	}
	err := d.count(ctx)
	switch {
	case errors.Is(err, errFailed):
		return early, err
	case d.tries > Tries: // also the last delivery: another try might end the process
		return over, nil
	case d.receives >= MaxReceives:
		return final, nil // even if nobody knows how many tries there were
	case err != nil:
		d.Log.ErrorContext(ctx, "tries not counted", requestID(ctx), "message", d.message.MessageId, "err", err, metric.Count("Failed"))
		return early, err
	case d.tries == Tries:
		return last, nil
	default:
		return early, nil
	}
}

// count counts the tries of the message, with the one that begins.
func (d *delivery) count(ctx context.Context) error {
	for object, err := range d.Output.List(ctx, media.TryPrefix(d.message.MessageId)) {
		if err != nil {
			return err
		}
		if object.Key == d.failedKey() {
			return errFailed
		}
		d.tries++
	}
	d.tries++
	if d.tries > Tries {
		return nil
	}
	if err := d.put(ctx, d.key()); err != nil {
		return errors.Join(err, d.Output.Delete(ctx, d.key())) // it may be there all the same
	}
	return nil
}

// end takes down how a try ended: only what the renderer has failed to do counts.
func (d *delivery) end(ctx context.Context, err error) {
	var recordErr error
	switch {
	case err == nil:
	case errors.Is(err, errFailed):
		recordErr = d.put(ctx, d.failedKey())
	case errors.Is(err, errUnrendered):
		if d.receives == 1 {
			d.tries++
			recordErr = d.put(ctx, d.key())
		}
	case d.receives > 1:
		recordErr = d.Output.Delete(ctx, d.key())
	}
	if recordErr != nil {
		d.Log.WarnContext(ctx, "end of a try not recorded", requestID(ctx), "message", d.message.MessageId, "err", recordErr)
	}
}

// key is that of the record of this try, failedKey that of a record that says that the
// original has failed.
func (d *delivery) key() string {
	return media.TryPrefix(d.message.MessageId) + strconv.Itoa(d.receives)
}

func (d *delivery) failedKey() string { return media.TryPrefix(d.message.MessageId) + "failed" }

func (d *delivery) put(ctx context.Context, key string) error {
	return d.Output.Put(ctx, bucket.Info{Key: key, ContentType: "text/plain"}, nil)
}

// backoff returns how long the next delivery waits: four times as long each time, and not
// at all where there is nothing left to do but to dead-letter the message.
func (d *delivery) backoff(err error) time.Duration {
	if errors.Is(err, errFailed) || d.receives >= MaxReceives {
		return 0
	}
	step := d.receives
	if errors.Is(err, errUnrendered) {
		step = d.tries
	}
	return min(d.Backoff<<(2*min(step-1, 8)), maxBackoff)
}
