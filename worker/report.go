package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// outcome says how a job ended, in its log line.
type outcome string

const (
	published outcome = "published"
	rejected  outcome = "rejected"
	unchanged outcome = "unchanged" // an earlier job has done everything
	removed   outcome = "removed"   // the original is gone, and so is what was published
	failed    outcome = "failed"
)

// report collects what the log line of a job says.
type report struct {
	job     Job
	began   time.Time
	outcome outcome
	preset  string
	bytes   int64
	// How long the steps took. Rendering and publishing overlap: what counts for
	// each is how long the job waited for it.
	fetch, probe, render, publish time.Duration
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
	attrs := []slog.Attr{
		requestID(ctx),
		slog.String("id", string(r.job.ID)),
		slog.String("preset", r.preset),
		slog.Int64("bytes", r.bytes),
		slog.Duration("elapsed", time.Since(r.began)),
		slog.Group("milliseconds",
			"fetch", r.fetch.Milliseconds(),
			"probe", r.probe.Milliseconds(),
			"render", r.render.Milliseconds(),
			"publish", r.publish.Milliseconds(),
		),
	}
	if err != nil {
		level, r.outcome = slog.LevelError, failed
		attrs = append(attrs, slog.Any("err", err))
	}
	attrs = append(attrs, slog.String("outcome", string(r.outcome)))
	log.LogAttrs(ctx, level, "job done", attrs...)
}

// requestID names the invocation, where there is one.
func requestID(ctx context.Context) slog.Attr {
	lambda, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return slog.Attr{} // handlers leave it out
	}
	return slog.String("requestId", lambda.AwsRequestID)
}
