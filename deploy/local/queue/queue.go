// Package queue passes events from the S3 server to the worker, as Lambda's asynchronous
// invocation does on AWS. It follows Lambda's rules: the function is invoked at least once
// for every event, and two more times after failures. Then the event goes to the failure
// queue, as a record in Lambda's format.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
//
// Events wait in memory. After a stop or a crash, [Queue.Recover] finds the unfinished
// uploads again by looking at the buckets.
package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Function is the handler of a Lambda function. An error or a panic is a failed attempt.
// It must log its errors itself, because the queue does not.
type Function func(ctx context.Context, event json.RawMessage) (any, error)

// Config says how a Queue invokes. Every field is needed.
type Config struct {
	// Timeout bounds one attempt: the function's context has this deadline.
	Timeout time.Duration
	// RetryDelays are the waits between attempts, one for each retry. Lambda
	// waits one minute, then two.
	RetryDelays []time.Duration
	// Concurrency is the number of attempts that may run at a time.
	Concurrency int
	// FailureDir is the failure queue: one file for each event that has no attempt
	// left, until a later event of the same object succeeds. It is an absolute path,
	// created if missing.
	FailureDir string
	Log        *slog.Logger
}

// Queue invokes a function with events, first in, first out.
type Queue struct {
	config   Config
	failures *failures
	workers  sync.WaitGroup
	running  context.Context // ends when running attempts must end
	abort    context.CancelFunc

	mu      sync.Mutex
	wake    sync.Cond // signals a change of the fields below
	waiting []invocation
	closed  bool
}

// invocation is one event with all its attempts.
type invocation struct {
	requestID string
	event     json.RawMessage
	attempts  int // made so far
}

// New returns a Queue. It accepts events at once, and keeps them until [Queue.Start].
func New(config Config) *Queue {
	q := &Queue{config: config, failures: openFailures(config.FailureDir, config.Log)}
	q.wake.L = &q.mu
	q.running, q.abort = context.WithCancel(context.Background())
	return q
}

// Start begins to invoke the function, until [Queue.Close].
func (q *Queue) Start(function Function) {
	for range q.config.Concurrency {
		q.workers.Go(func() { q.work(function) })
	}
}

// Send queues an event. It never blocks. After [Queue.Close] it drops the event;
// [Queue.Recover] finds the upload at the next start.
func (q *Queue) Send(event events.S3Event) {
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err) // plain strings, numbers and times always marshal
	}
	q.Invoke(payload)
}

// Invoke is Send for an event of any shape, a JSON document. It returns the id of
// the invocation.
func (q *Queue) Invoke(event json.RawMessage) (requestID string) {
	i := invocation{requestID: rand.Text(), event: event}
	q.enqueue(i)
	return i.requestID
}

// Close drops waiting events and returns when the running attempts have ended. If ctx
// ends first, it cancels the attempts and returns ctx's error without waiting for them.
func (q *Queue) Close(ctx context.Context) error {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake.Broadcast()

	defer q.abort()
	ended := make(chan struct{})
	go func() {
		q.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for running invocations: %w", ctx.Err())
	}
}

func (q *Queue) enqueue(i invocation) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, i)
	q.wake.Signal()
}

// next waits for an invocation. It reports false once the queue is closed.
func (q *Queue) next() (invocation, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.wake.Wait()
	}
	if q.closed {
		return invocation{}, false
	}
	first := q.waiting[0]
	q.waiting = q.waiting[1:]
	return first, true
}

func (q *Queue) work(function Function) {
	for {
		i, ok := q.next()
		if !ok {
			return
		}
		i.attempts++
		if err := q.attempt(function, i); err != nil {
			q.failed(i, err)
		} else {
			q.failures.forget(objectsOf(i.event)...)
		}
	}
}

// attempt calls the function once.
func (q *Queue) attempt(function Function, i invocation) (err error) {
	ctx, cancel := context.WithTimeout(q.running, q.config.Timeout)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       i.requestID,
		InvokedFunctionArn: functionARN,
	})
	_, err = function(ctx, i.event)
	return err
}

// failed schedules the next attempt of an invocation, or puts it into the failure queue.
func (q *Queue) failed(i invocation, cause error) {
	log := q.config.Log.With("requestId", i.requestID)
	switch {
	case q.running.Err() != nil:
		log.Warn("invocation cut off, the next start repeats it")
	case i.attempts <= len(q.config.RetryDelays):
		delay := q.config.RetryDelays[i.attempts-1]
		log.Warn("invocation failed, it is repeated", "delay", delay)
		time.AfterFunc(delay, func() { q.enqueue(i) })
	default:
		log.Error("invocation failed for the last time")
		if err := q.failures.put(i, cause); err != nil {
			log.Error("failure not recorded, the next start repeats the event", "err", err)
		}
	}
}
