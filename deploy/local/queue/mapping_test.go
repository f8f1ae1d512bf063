package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/presize/presize/deploy/local/queue"
)

// call is one invocation as the function saw it.
type call struct {
	at       time.Duration // since the start
	body     string
	receives string
}

// calls writes down invocations.
type calls struct {
	began time.Time
	mu    sync.Mutex
	all   []call
}

// count returns how many invocations there were so far.
func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.all)
}

// start invokes do with the bodies of a queue's messages.
func start(q *queue.Queue, concurrency int, do func(ctx context.Context, m events.SQSMessage) (any, error)) (*calls, *queue.Running) {
	c := &calls{began: time.Now()}
	m := queue.Mapping{Queue: q, Function: "f", Timeout: 2 * time.Minute, Concurrency: concurrency}
	return c, m.Start(func(ctx context.Context, payload json.RawMessage) (any, error) {
		var event events.SQSEvent
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		message := event.Records[0]
		if lambda, ok := lambdacontext.FromContext(ctx); !ok || lambda.AwsRequestID == "" || message.EventSource != "aws:sqs" {
			return nil, errors.New("not as Lambda does")
		}
		c.mu.Lock()
		c.all = append(c.all, call{time.Since(c.began), message.Body, message.Attributes["ApproximateReceiveCount"]})
		c.mu.Unlock()
		return do(ctx, message)
	})
}

func closeRunning(t *testing.T, r *queue.Running) {
	t.Helper()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestInvocationThatSucceedsDeletesTheMessage(t *testing.T) {
	for name, answer := range map[string]any{"nothing": nil, "no failures": events.SQSEventResponse{}, "something else": map[string]int{"a": 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, dead := open(t, t.TempDir())
				c, running := start(q, 2, func(context.Context, events.SQSMessage) (any, error) { return answer, nil })
				send(t, q, "a")
				pass(24 * time.Hour)
				closeRunning(t, running)
				if want := []call{{0, "a", "1"}}; !slices.Equal(c.all, want) {
					t.Errorf("calls %+v", c.all)
				}
				expectCount(t, q, 0, 0)
				expectCount(t, dead, 0, 0)
			})
		})
	}
}

func TestInvocationThatFailsIsRepeatedUntilTheMessageIsDeadLettered(t *testing.T) {
	every := func(d time.Duration) []call {
		return []call{{0, "a", "1"}, {d, "a", "2"}, {2 * d, "a", "3"}}
	}
	for name, test := range map[string]struct {
		do   func(*queue.Queue, context.Context, events.SQSMessage) (any, error)
		want []call
	}{
		"error": {func(*queue.Queue, context.Context, events.SQSMessage) (any, error) {
			return nil, errors.New("bucket is away")
		}, every(visibility)},
		"panic": {func(*queue.Queue, context.Context, events.SQSMessage) (any, error) { panic("index out of range") }, every(visibility)},
		"timeout": {func(_ *queue.Queue, ctx context.Context, _ events.SQSMessage) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, every(visibility)},
		"named as failed": {func(_ *queue.Queue, _ context.Context, m events.SQSMessage) (any, error) {
			return events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{{ItemIdentifier: m.MessageId}}}, nil
		}, every(visibility)},
		"unreadable answer": {func(*queue.Queue, context.Context, events.SQSMessage) (any, error) { return []int{1}, nil }, every(visibility)},
		"put off by the function": {func(q *queue.Queue, ctx context.Context, m events.SQSMessage) (any, error) {
			return nil, errors.Join(errors.New("once more"), q.ChangeVisibility(ctx, m.ReceiptHandle, time.Minute))
		}, every(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, dead := open(t, t.TempDir())
				c, running := start(q, 1, func(ctx context.Context, m events.SQSMessage) (any, error) { return test.do(q, ctx, m) })
				send(t, q, "a")
				pass(24 * time.Hour)
				closeRunning(t, running)
				if !slices.Equal(c.all, test.want) {
					t.Errorf("calls %+v, want %+v", c.all, test.want)
				}
				expectCount(t, q, 0, 0)
				expectCount(t, dead, 1, 0)
			})
		})
	}
}

func TestConcurrencyIsBoundedAndFailuresHoldNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		q, _ := open(t, t.TempDir())
		c, mapping := start(q, 2, func(_ context.Context, m events.SQSMessage) (any, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			pass(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			if m.Body == "b" && m.Attributes["ApproximateReceiveCount"] == "1" {
				return nil, errors.New("once")
			}
			return nil, nil
		})
		send(t, q, "a", "b", "c", "d", "e", "f")
		pass(10 * time.Second)
		mu.Lock()
		if calls := c.count(); calls != 6 || most != 2 {
			t.Errorf("%d calls, %d at a time", calls, most)
		}
		mu.Unlock()
		pass(time.Hour)
		closeRunning(t, mapping)
		if last := c.all[len(c.all)-1]; last.body != "b" || last.receives != "2" || len(c.all) != 7 {
			t.Errorf("calls %+v", c.all)
		}
	})
}

func TestStopWaitsForInvocationsButNotForEver(t *testing.T) {
	for name, test := range map[string]struct {
		takes time.Duration
		left  int
	}{"in time": {5 * time.Second, 0}, "too long": {time.Minute, 1}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, _ := open(t, t.TempDir())
				_, running := start(q, 1, func(ctx context.Context, _ events.SQSMessage) (any, error) {
					select {
					case <-time.After(test.takes):
					case <-ctx.Done():
					}
					return nil, ctx.Err()
				})
				send(t, q, "a")
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				if err := running.Close(ctx); (err == nil) != (test.left == 0) {
					t.Errorf("closed with %v", err)
				}
				synctest.Wait()
				expectCount(t, q, 0, test.left)
			})
		})
	}
}
