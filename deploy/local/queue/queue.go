// Package queue stands between the S3 server and the worker, where AWS has
// Lambda's asynchronous invocation, and keeps its rules: every event is invoked
// at least once, two times more after failures, and then goes to the failure
// queue as Lambda's own record.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
//
// Events wait in memory. What a stop or a crash cuts off is found again by
// [Queue.Recover], because the buckets show what is unfinished.
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

// Function is what is invoked: a Lambda's handler. An error or a panic is a failed
// attempt. It logs its errors itself, as the queue does not.
type Function func(ctx context.Context, event json.RawMessage) (any, error)

// Config says how a Queue invokes. Every field is needed.
type Config struct {
	// Timeout bounds one attempt: the function's context has this deadline.
	Timeout time.Duration
	// RetryDelays are the waits between attempts, one for each retry. Lambda
	// waits one minute, then two.
	RetryDelays []time.Duration
	// Concurrency is how many attempts run at a time.
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
	running  context.Context // ends when attempts under way must
	abort    context.CancelFunc

	mu      sync.Mutex
	wake    sync.Cond // a change of what follows
	waiting []invocation
	closed  bool
}

// invocation is one event on its way, the same through all attempts.
type invocation struct {
	requestID string
	event     json.RawMessage
	attempts  int // made so far
}

// New returns a Queue that takes events from now on, and keeps them waiting for
// [Queue.Start].
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

// Send queues an event. It never blocks. After [Queue.Close] the event is
// dropped, for [Queue.Recover] to find.
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

// Close drops what waits and returns when the attempts under way have ended. If
// ctx ends first, it cancels them and returns ctx's error without them.
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

// failed brings an invocation to its next attempt, or to the failure queue.
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
