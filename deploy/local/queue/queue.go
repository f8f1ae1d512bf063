// Package bridge stands between the S3 server and the worker, where AWS has
// Lambda's asynchronous invocation, and keeps its rules: every event is invoked
// at least once, two times more after failures, and then goes to the failure
// queue as Lambda's own record.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
//
// Events wait in memory. What a stop or a crash cuts off is found again by
// [Bridge.Recover], because the buckets show what is unfinished.
package bridge

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
// attempt. It logs its errors itself, as the bridge does not.
type Function func(ctx context.Context, event json.RawMessage) (any, error)

// Config says how a Bridge invokes. Every field is needed.
type Config struct {
	// Timeout bounds one attempt: the function's context has this deadline.
	Timeout time.Duration
	// RetryDelays are the waits between attempts, one for each retry. Lambda
	// waits one minute, then two.
	RetryDelays []time.Duration
	// Concurrency is how many attempts run at a time.
	Concurrency int
	// FailureDir is the failure queue: one file for each event that has no attempt
	// left. It is created if missing.
	FailureDir string
	Log        *slog.Logger
}

// Bridge invokes a function with events, first in, first out.
type Bridge struct {
	config  Config
	workers sync.WaitGroup
	running context.Context // ends when attempts under way must
	abort   context.CancelFunc

	mu     sync.Mutex
	wake   sync.Cond // a change of what follows
	queue  []invocation
	closed bool
}

// invocation is one event on its way, the same through all attempts.
type invocation struct {
	requestID string
	event     json.RawMessage
	attempts  int // made so far
}

// New returns a Bridge that takes events from now on, and keeps them waiting for
// [Bridge.Start].
func New(config Config) *Bridge {
	b := &Bridge{config: config}
	b.wake.L = &b.mu
	b.running, b.abort = context.WithCancel(context.Background())
	return b
}

// Start begins to invoke the function, until [Bridge.Close].
func (b *Bridge) Start(function Function) {
	for range b.config.Concurrency {
		b.workers.Go(func() { b.work(function) })
	}
}

// Send queues an event. It never blocks. After [Bridge.Close] the event is
// dropped, for [Bridge.Recover] to find.
func (b *Bridge) Send(event events.S3Event) {
	payload, err := json.Marshal(event)
	if err != nil {
		panic(err) // plain strings, numbers and times always marshal
	}
	b.enqueue(invocation{requestID: rand.Text(), event: payload})
}

// Close drops what waits and returns when the attempts under way have ended. If
// ctx ends first, it cancels them and returns ctx's error without them.
func (b *Bridge) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.wake.Broadcast()

	defer b.abort()
	ended := make(chan struct{})
	go func() {
		b.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for running invocations: %w", ctx.Err())
	}
}

func (b *Bridge) enqueue(i invocation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.queue = append(b.queue, i)
	b.wake.Signal()
}

// next waits for an invocation. It reports false once the bridge is closed.
func (b *Bridge) next() (invocation, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) == 0 && !b.closed {
		b.wake.Wait()
	}
	if b.closed {
		return invocation{}, false
	}
	first := b.queue[0]
	b.queue = b.queue[1:]
	return first, true
}

func (b *Bridge) work(function Function) {
	for {
		i, ok := b.next()
		if !ok {
			return
		}
		i.attempts++
		if err := b.attempt(function, i); err != nil {
			b.failed(i, err)
		}
	}
}

// attempt calls the function once.
func (b *Bridge) attempt(function Function, i invocation) (err error) {
	ctx, cancel := context.WithTimeout(b.running, b.config.Timeout)
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
func (b *Bridge) failed(i invocation, cause error) {
	log := b.config.Log.With("requestId", i.requestID)
	switch {
	case b.running.Err() != nil:
		log.Warn("invocation cut off, the next start repeats it")
	case i.attempts <= len(b.config.RetryDelays):
		delay := b.config.RetryDelays[i.attempts-1]
		log.Warn("invocation failed, it is repeated", "delay", delay)
		time.AfterFunc(delay, func() { b.enqueue(i) })
	default:
		log.Error("invocation failed for the last time")
		if err := b.putFailure(i, cause); err != nil {
			log.Error("failure not recorded, the next start repeats the event", "err", err)
		}
	}
}
