package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
)

// outcome says how a job ended, in its log line.
type outcome string

const (
	published outcome = "published"
	rejected  outcome = "rejected"
	unchanged outcome = "unchanged" // an earlier job has done everything
	removed   outcome = "removed"   // the original is gone, and so is what was published
	delayed   outcome = "delayed"   // CloudFront does no more invalidations for now
	failed    outcome = "failed"
)

// report collects what the log line of a job says. The sizes and times in it are
// metrics.
type report struct {
	job      Job
	began    time.Time
	outcome  outcome
	code     media.Code // why the original was rejected
	cause    string     // of a rejection: what the decoder has said
	preset   string
	bytes    int64 // of the original
	fetched  int64 // bytes
	variants int64 // bytes of those that were put
	// failedUpload is set where it was published that the original can't be rendered.
	failedUpload bool
	// How long the steps took. Rendering and publishing overlap: what counts for
	// each is how long the job waited for it.
	fetch, probe, render, publish time.Duration
	ready                         time.Duration // from the beginning to the first manifest with variants
}

func newReport(job Job) *report { return &report{job: job, began: time.Now()} }

// clock starts to measure a step. The function that it returns adds the time that
// has passed to the step's total.
func clock(total *time.Duration) (stop func()) {
	began := time.Now()
	return func() { *total += time.Since(began) }
}

// log writes the line.
func (r *report) log(ctx context.Context, log *slog.Logger, err error) {
	level := slog.LevelInfo
	elapsed := time.Since(r.began)
	attrs := []slog.Attr{
		requestID(ctx),
		slog.String("id", string(r.job.ID)),
		slog.String("preset", r.preset),
		slog.Int64("bytes", r.bytes),
		slog.Duration("elapsed", elapsed),
	}
	if err != nil {
		level, r.outcome = slog.LevelError, failed
		if isThrottled(err) {
			level, r.outcome = slog.LevelWarn, delayed
		}
		attrs = append(attrs, slog.Any("err", err))
	}
	attrs = append(attrs, slog.String("outcome", string(r.outcome)))
	switch r.outcome {
	case published:
		attrs = append(attrs, metric.Count("Rendered"), metric.Bytes("BytesOut", r.variants),
			metric.Milliseconds("ReadyTime", r.ready), metric.Milliseconds("TotalTime", elapsed))
	case rejected:
		attrs = append(attrs, metric.CountBy("Rejected", "Code"), slog.String("Code", string(r.code)))
		if r.cause != "" {
			attrs = append(attrs, slog.String("cause", r.cause))
		}
	case failed:
		attrs = append(attrs, metric.Count("Failed"))
		if r.failedUpload {
			attrs = append(attrs, metric.Count("FailedUploads"))
		}
	}
	log.LogAttrs(ctx, level, "job done", append(attrs, r.work()...)...)
}

// work returns the metrics of the steps that were done. A step that the job did not come to
// has none, rather than a time of 0.
func (r *report) work() (attrs []slog.Attr) {
	if r.fetch == 0 {
		return nil // there was no original, or nothing to do for it
	}
	attrs = append(attrs, metric.Milliseconds("FetchTime", r.fetch), metric.Bytes("BytesIn", r.fetched))
	if r.probe > 0 {
		attrs = append(attrs, metric.Milliseconds("ProbeTime", r.probe))
	}
	if r.render > 0 {
		attrs = append(attrs, metric.Milliseconds("RenderTime", r.render))
	}
	if r.publish > 0 {
		attrs = append(attrs, metric.Milliseconds("PublishTime", r.publish))
	}
	return attrs
}

// requestID names the invocation, where there is one.
func requestID(ctx context.Context) slog.Attr {
	lambda, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return slog.Attr{} // handlers leave it out
	}
	return slog.String("requestId", lambda.AwsRequestID)
}
