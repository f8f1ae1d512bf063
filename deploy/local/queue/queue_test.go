package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/internal/s3local"
)

// call is one attempt as the function saw it.
type call struct {
	at        time.Duration // since the start of the test
	key       string
	requestID string
}

// function is a handler that writes down its calls and then does what it is told.
type function struct {
	start time.Time
	do    func(ctx context.Context, key string) error

	mu    sync.Mutex
	calls []call
}

func (f *function) Handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var event events.S3Event
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	key := event.Records[0].S3.Object.Key
	lambda, _ := lambdacontext.FromContext(ctx)
	f.mu.Lock()
	f.calls = append(f.calls, call{time.Since(f.start), key, lambda.AwsRequestID})
	f.mu.Unlock()
	return nil, f.do(ctx, key)
}

func (f *function) keys() (keys []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		keys = append(keys, c.key)
	}
	return keys
}

// start runs a queue in front of a function, with Lambda's own delays.
func start(t *testing.T, concurrency int, do func(ctx context.Context, key string) error) (*queue.Queue, *function, string) {
	t.Helper()
	f := &function{start: time.Now(), do: do}
	failures := filepath.Join(t.TempDir(), "failures")
	b := queue.New(queue.Config{
		Timeout:     2 * time.Minute,
		RetryDelays: []time.Duration{time.Minute, 2 * time.Minute},
		Concurrency: concurrency,
		FailureDir:  failures,
		Log:         slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	b.Start(f.Handle)
	return b, f, failures
}

func created(key string) events.S3Event {
	return s3local.NewEvent("ObjectCreated:Put", "in", key, 1, "")
}

// pass lets time pass in a synctest bubble, where it takes none.
func pass(d time.Duration) { <-time.After(d) }

func closeQueue(t *testing.T, b *queue.Queue) {
	t.Helper()
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestEventIsInvokedOnceWhenItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f, failures := start(t, 2, func(context.Context, string) error { return nil })
		b.Send(created("a"))
		pass(time.Hour)
		closeQueue(t, b)
		if got := f.keys(); !slices.Equal(got, []string{"a"}) {
			t.Errorf("calls: %q", got)
		}
		if _, err := os.Stat(failures); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("failure queue exists: %v", err)
		}
	})
}

func TestFailuresAreRetriedTwiceThenQueued(t *testing.T) {
	for name, failure := range map[string]struct {
		do      func(ctx context.Context, key string) error
		message string
		retries []time.Duration
	}{
		"error": {
			do:      func(context.Context, string) error { return errors.New("bucket is away") },
			message: "bucket is away",
			retries: []time.Duration{0, time.Minute, 3 * time.Minute},
		},
		"panic": {
			do:      func(context.Context, string) error { panic("index out of range") },
			message: "panic: index out of range",
			retries: []time.Duration{0, time.Minute, 3 * time.Minute},
		},
		"timeout": {
			do: func(ctx context.Context, _ string) error {
				<-ctx.Done()
				return ctx.Err()
			},
			message: context.DeadlineExceeded.Error(),
			retries: []time.Duration{0, 3 * time.Minute, 7 * time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, f, failures := start(t, 1, failure.do)
				b.Send(created("originals/a"))
				pass(time.Hour)
				closeQueue(t, b)
				var times []time.Duration
				for _, c := range f.calls {
					times = append(times, c.at)
					if c.requestID == "" || c.requestID != f.calls[0].requestID {
						t.Errorf("request ids differ: %+v", f.calls)
					}
				}
				if !slices.Equal(times, failure.retries) {
					t.Errorf("attempts at %v, want %v", times, failure.retries)
				}
				checkRecord(t, failures, f.calls[0].requestID, failure.message)
			})
		})
	}
}

func checkRecord(t *testing.T, dir, requestID, message string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != requestID+".json" {
		t.Fatalf("failure queue: %v, %v", files, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, files[0].Name()))
	if err != nil {
		t.Fatal(err)
	}
	var record struct {
		Version        string
		Timestamp      time.Time
		RequestContext struct {
			RequestID, FunctionArn, Condition string
			ApproximateInvokeCount            int
		}
		RequestPayload  events.S3Event
		ResponsePayload struct{ ErrorMessage, ErrorType string }
	}
	if err := json.Unmarshal(data, &record); err != nil {
		t.Fatal(err)
	}
	request := record.RequestContext
	if record.Version != "1.0" || record.Timestamp.IsZero() || request.RequestID != requestID ||
		!strings.HasSuffix(request.FunctionArn, ":$LATEST") || request.Condition != "RetriesExhausted" ||
		request.ApproximateInvokeCount != 3 || record.ResponsePayload.ErrorType == "" {
		t.Errorf("record: %s", data)
	}
	if len(record.RequestPayload.Records) != 1 || record.RequestPayload.Records[0].S3.Object.Key != "originals/a" {
		t.Errorf("payload is not the event: %s", data)
	}
	if !strings.HasPrefix(record.ResponsePayload.ErrorMessage, message) {
		t.Errorf("error message %q, want %q", record.ResponsePayload.ErrorMessage, message)
	}
}

func TestRetryThatSucceedsEndsTheInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := false
		b, f, failures := start(t, 1, func(context.Context, string) error {
			if failed {
				return nil
			}
			failed = true
			return errors.New("once")
		})
		b.Send(created("a"))
		pass(time.Hour)
		closeQueue(t, b)
		if got := f.keys(); !slices.Equal(got, []string{"a", "a"}) {
			t.Errorf("calls: %q", got)
		}
		if _, err := os.Stat(failures); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("failure queue exists: %v", err)
		}
	})
}

func TestEventsAreTakenInOrderAndRetriesDoNotHoldThemUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := false
		b, f, _ := start(t, 1, func(_ context.Context, key string) error {
			pass(time.Second)
			if key == "b" && !failed {
				failed = true
				return errors.New("once")
			}
			return nil
		})
		for _, key := range []string{"a", "b", "c", "d"} {
			b.Send(created(key))
		}
		pass(time.Hour)
		closeQueue(t, b)
		if got := f.keys(); !slices.Equal(got, []string{"a", "b", "c", "d", "b"}) {
			t.Errorf("order: %q", got)
		}
	})
}

func TestConcurrencyIsBoundedAndSendNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := 0, 0
		b, f, _ := start(t, 2, func(context.Context, string) error {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			pass(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		})
		sent := time.Now()
		for range 100 {
			b.Send(created("a"))
		}
		if waited := time.Since(sent); waited != 0 {
			t.Errorf("sending took %v", waited)
		}
		pass(time.Hour)
		closeQueue(t, b)
		if most != 2 || len(f.keys()) != 100 {
			t.Errorf("%d at a time, %d calls", most, len(f.keys()))
		}
	})
}

func TestBridgeOutlivesAFailureQueueThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f, failures := start(t, 1, func(context.Context, string) error { return errors.New("always") })
		if err := os.WriteFile(failures, nil, 0o600); err != nil { // a file where the directory should be
			t.Fatal(err)
		}
		b.Send(created("a"))
		pass(time.Hour)
		b.Send(created("b"))
		pass(time.Hour)
		closeQueue(t, b)
		if got := f.keys(); !slices.Equal(got, []string{"a", "a", "a", "b", "b", "b"}) {
			t.Errorf("calls: %q", got)
		}
	})
}
