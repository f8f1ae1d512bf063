// Package worker turns originals into published variants.
//
// An event only says which upload to look at. What is done for it follows from
// the buckets: if the original is there and not yet published, it is fetched,
// probed, rendered and published; if it is gone, so is everything that was
// published for it. Events may therefore come late, twice, at the same time or
// in the wrong order.
//
// What others may rely on:
//
//   - A manifest is put after every variant it names, and deleted before them. Only if
//     an original is removed while its job publishes, a manifest may outlive its
//     variants, until that job notices.
//   - A job that returns no error has left the buckets in agreement: a complete
//     or a rejected manifest of the original that is there, or nothing at all.
//   - A job that returns an error can be repeated, and then does what is left.
//   - An original that can't be rendered for a reason that is not the file's own is tried
//     again, [Tries] times in all. Only when the last try has failed it gets a failed
//     manifest. The original stays, and its job returns an error, so that its event ends
//     in the failure queue.
//   - Only what the renderer fails to do is a try. While S3 or another service fails, the
//     event comes back, [MaxReceives] times in all, and the last failure is published too.
//   - A complete or a rejected manifest of an original and a revision is never
//     replaced by another one of the same, whatever jobs run beside each other.
//   - An original that is rejected is tagged with [media.RejectedTag], by which it
//     expires. What is published outlives an original that has expired.
//   - The same original and revision give the same keys and bytes.
//   - With an [Inspector], nothing of an upload is published before the app has accepted
//     it. What it refuses is rejected, and what earlier revisions published is removed.
//   - The backend is told nothing before it is true. Everything that is true when a job
//     returns no error has been told at least once: see [Notifier].
//   - Variants of earlier revisions stay while their original does: somebody may
//     have their URLs.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/worker/renderer"
)

const (
	// margin is left of a job's time when its rendering is ended: enough to publish that it
	// failed. That takes four small requests, one after the other, some of which may have to
	// be repeated after a second: they put the manifest and what the backend is told, tell
	// it, and look at the original.
	margin = 4 * time.Second
	// closing is left of an invocation's time when its job is ended: enough to put or delete
	// the record of the try, and to give the message back. Without it, a request that hangs
	// would end the process, and count as a try.
	closing = 2 * time.Second
)

// Config is what a Worker needs. All of it is required unless it says otherwise.
type Config struct {
	Input       *bucket.Bucket // the originals
	Output      *bucket.Bucket // what is published
	Presets     media.Presets
	Limits      media.Limits
	Renderer    *renderer.Renderer // not the worker's to close
	Invalidator Invalidator        // nil where nothing caches what is published
	Inspector   Inspector          // nil where everything may be published
	Notifier    Notifier           // nil where no backend wants to be told
	Queue       Queue              // nil where no event comes from a queue
	Backoff     time.Duration      // before the second try; four times that before the next one, and so on, up to 15 min
	Log         *slog.Logger
}

// Invalidator makes a CDN forget what it has cached, as invalidation.CloudFront does. Of
// several calls with the same reference only the first one needs to have an effect.
type Invalidator interface {
	Invalidate(ctx context.Context, reference string, paths ...string) error
}

// Worker is the function behind the events of the input bucket. It is safe for
// concurrent use.
type Worker struct{ Config }

// New returns a Worker. On the input bucket it calls bucket.Head, Fetch, Tags and
// SetTags, on the output bucket Get, Put, Replace, Delete and List; package bucket lists
// the IAM actions behind them.
func New(config Config) *Worker { return &Worker{config} }

// Handle does the jobs of one event: anything that [ParseEvent] understands, or
// an SQS event with a number of these in its messages.
//
// Rendering is ended 6 s before the end of the invocation, and is then a failure like
// any other: half of the work is never acknowledged.
//
// An event from another bucket than the one of the originals is a failure: it is
// never taken for the removal of an original, and ends where failures do.
//
// An event of SQS says how often it was received. Of its messages those that failed are
// named in the answer, an [events.SQSEventResponse]: the event source mapping must have
// ReportBatchItemFailures set, because Lambda otherwise takes the answer for a success
// and drops them. They come back after a backoff. A message that only waits for
// CloudFront is sent again instead, for up to a day.
//
// Any other event is handled once: its error is an error of the invocation, and means that
// the original has failed.
func (w *Worker) Handle(ctx context.Context, event json.RawMessage) (any, error) {
	messages, ok := parseQueue(event)
	if !ok {
		_, err := w.handle(ctx, event, final)
		return nil, err
	}
	var response events.SQSEventResponse
	for _, message := range messages {
		if err := w.receive(ctx, message); err != nil {
			failure := events.SQSBatchItemFailure{ItemIdentifier: message.MessageId}
			response.BatchItemFailures = append(response.BatchItemFailures, failure)
		}
	}
	return response, nil
}

// handle does the jobs of one event and returns them. Its errors are in the log already:
// Lambda logs nothing of a message that is named as failed.
func (w *Worker) handle(ctx context.Context, event []byte, attempt attempt) ([]Job, error) {
	ctx, cancel := withMargin(ctx, closing)
	defer cancel()
	jobs, err := ParseEvent(event)
	if err != nil {
		w.Log.ErrorContext(ctx, "event not understood", requestID(ctx), "err", err, metric.Count("Failed"))
		return nil, err
	}
	var failures []error
	for _, job := range jobs {
		failures = append(failures, w.do(ctx, job, attempt))
	}
	return jobs, errors.Join(failures...)
}

// do does one job. A panic is a failure of the job, not the end of the process.
func (w *Worker) do(ctx context.Context, job Job, attempt attempt) (err error) {
	r := &run{Worker: w, job: job, attempt: attempt, report: newReport(job)}
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%w: panic: %v\n%s", errUnrendered, reason, debug.Stack())
		}
		r.report.log(ctx, w.Log, err)
	}()
	if job.Bucket != w.Input.Name() {
		// There all originals would seem to be gone, and with them what is published here.
		return fmt.Errorf("the event is from bucket %q, originals are in %q", job.Bucket, w.Input.Name())
	}
	return r.reconcile(ctx)
}
