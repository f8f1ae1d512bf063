package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/deploy/local/sqs"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/worker"
)

// The names of the stack and of the worker's function, as osls makes them of a stage
// that is called local, and those of the queues.
const (
	stackName    = "presize-local"
	workerName   = stackName + "-worker"
	workQueue    = stackName + "-work"
	failureQueue = stackName + "-failures"
)

// What the queues of deploy/template/trigger.yml have too; a test compares them.
const (
	workVisibility    = 6 * workerTimeout
	maxReceives       = worker.MaxReceives
	workRetention     = 4 * 24 * time.Hour
	failureVisibility = 30 * time.Second
	failureRetention  = 14 * 24 * time.Hour
)

// openWork opens the queue of the worker's events, whose dead-letter queue is the failure
// queue.
func openWork(dir string, log *slog.Logger) (*queue.Queue, error) {
	failures, err := queue.Open(queue.Config{
		Name:       failureQueue,
		Dir:        filepath.Join(dir, failureQueue),
		Visibility: failureVisibility,
		Retention:  failureRetention,
		Log:        log,
	})
	if err != nil {
		return nil, err
	}
	return queue.Open(queue.Config{
		Name:        workQueue,
		Dir:         filepath.Join(dir, workQueue),
		Visibility:  workVisibility,
		Retention:   workRetention,
		MaxReceives: maxReceives,
		DeadLetters: failures,
		Log:         log,
	})
}

// openOperator returns the endpoint through which the operator's command reaches the
// queues, and leaves in the data folder what that command needs.
func openOperator(ctx context.Context, data *data, storage *s3local.Server, work, webhooks *queue.Queue) (net.Listener, http.Handler, error) {
	keys, err := storage.Client(operatorAccount).Options().Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", address(0)) // any port: the command finds it in the folder
	if err != nil {
		return nil, nil, err
	}
	endpoint := "http://" + listener.Addr().String()
	access := operator.Access{
		S3:                  storage.URL(),
		SQS:                 endpoint,
		Region:              s3local.Region,
		AccessKeyID:         keys.AccessKeyID,
		SecretAccessKey:     keys.SecretAccessKey,
		InputBucket:         inputBucket,
		OutputBucket:        outputBucket,
		WorkQueue:           sqs.URL(endpoint, work.Name),
		FailureQueue:        sqs.URL(endpoint, work.DeadLetters.Name),
		WebhookQueue:        sqs.URL(endpoint, webhooks.Name),
		WebhookFailureQueue: sqs.URL(endpoint, webhooks.DeadLetters.Name),
		Stack:               stackName,
	}
	if err := access.Write(data.dir); err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	return listener, sqs.Handler(sqs.Config{
		Queues:      []*queue.Queue{work, work.DeadLetters, webhooks, webhooks.DeadLetters},
		Region:      s3local.Region,
		Credentials: keys,
	}), nil
}
