package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Function is the handler of a Lambda function. An error or a panic is a failure. It must
// log its errors itself, because the mapping does not.
type Function func(ctx context.Context, event json.RawMessage) (any, error)

// Mapping is an event source mapping with batches of one message, and with
// ReportBatchItemFailures: it invokes a function with each message of a queue, and
// deletes the message unless the function fails or names it as failed.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type Mapping struct {
	Queue       *Queue
	Function    string        // its name, for contexts
	Timeout     time.Duration // of one invocation
	Concurrency int           // how many invocations run at once
}

// Running is a mapping that was started.
type Running struct {
	workers sync.WaitGroup
	receive context.Context
	stop    context.CancelFunc
	invoke  context.Context // ends when invocations must end
	abort   context.CancelFunc
}

// region and account are those of names in the shape of AWS.
const (
	region  = "us-east-1"
	account = "000000000000"
)

// ARN returns the name that AWS would give the queue.
func (q *Queue) ARN() string { return "arn:aws:sqs:" + region + ":" + account + ":" + q.Name }

// Start begins to invoke the function, until [Running.Close].
func (m Mapping) Start(function Function) *Running {
	r := new(Running)
	r.receive, r.stop = context.WithCancel(context.Background())
	r.invoke, r.abort = context.WithCancel(context.Background())
	for range m.Concurrency {
		r.workers.Go(func() {
			for {
				message, err := m.Queue.Receive(r.receive)
				if err != nil {
					return
				}
				m.work(r.invoke, function, message)
			}
		})
	}
	return r
}

// Close stops to receive and returns when the running invocations have ended. If ctx ends
// first, it cancels the invocations and returns ctx's error without waiting for them;
// their messages can be received after the next start.
func (r *Running) Close(ctx context.Context) error {
	r.stop()
	defer r.abort()
	ended := make(chan struct{})
	go func() {
		r.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for running invocations: %w", ctx.Err())
	}
}

// work invokes the function with a message, and deletes it if that succeeds.
func (m Mapping) work(ctx context.Context, function Function, message Message) {
	log := m.Queue.Log.With("queue", m.Queue.Name, "message", message.ID, "receives", message.Receives)
	if err := m.call(ctx, function, message); err != nil {
		log.Warn("invocation failed, the message comes back")
		return
	}
	if err := m.Queue.Delete(ctx, message.Receipt); err != nil {
		log.Warn("message not deleted", "err", err)
	}
}

// call calls the function once.
func (m Mapping) call(ctx context.Context, function Function, message Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       rand.Text(),
		InvokedFunctionArn: "arn:aws:lambda:" + region + ":" + account + ":function:" + m.Function,
	})
	event, err := json.Marshal(m.event(message))
	if err != nil {
		return err
	}
	answer, err := function(ctx, event)
	if err != nil {
		return err
	}
	document, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	var response events.SQSEventResponse
	if err := json.Unmarshal(document, &response); err != nil {
		return err // as on AWS: an answer that can't be read is a failure
	}
	if len(response.BatchItemFailures) > 0 {
		return errors.New("the message is named as failed")
	}
	return nil
}

func (m Mapping) event(message Message) events.SQSEvent {
	milliseconds := func(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
	return events.SQSEvent{Records: []events.SQSMessage{{
		MessageId:     message.ID,
		ReceiptHandle: message.Receipt,
		Body:          message.Body,
		Attributes: map[string]string{
			"ApproximateReceiveCount":          strconv.Itoa(message.Receives),
			"ApproximateFirstReceiveTimestamp": milliseconds(message.FirstReceived),
			"SentTimestamp":                    milliseconds(message.Sent),
		},
		EventSource:    "aws:sqs",
		EventSourceARN: m.Queue.ARN(),
		AWSRegion:      region,
	}}}
}
