package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker"
	"github.com/presize/presize/worker/inspection"
	"github.com/presize/presize/worker/notify"
)

const (
	notifyName          = stackName + "-notify"
	webhookQueue        = stackName + "-webhooks"
	webhookFailureQueue = webhookQueue + "-failed"

	// notifyTimeout is that of the Lambda function, and webhookConcurrency what two
	// batches have there.
	notifyTimeout      = 30 * time.Second
	webhookConcurrency = 20
)

// backend is what the stack tells, and asks.
type backend struct {
	webhookURL   string // "" for none
	secrets      []string
	inspectorURL string // "" for none
}

// readBackend reads the settings. They may be plain HTTP to this machine.
func readBackend(reader *env.Reader) (b backend, err error) {
	b.webhookURL = reader.StringOr("PRESIZE_WEBHOOK_URL", "")
	b.inspectorURL = reader.StringOr("PRESIZE_INSPECTOR_URL", "")
	if b.webhookURL != "" {
		b.secrets, err = notify.ParseSecrets(reader.StringOr("PRESIZE_WEBHOOK_SECRET", ""))
		err = errors.Join(notify.ParseURL(b.webhookURL, true), err)
	}
	if u, parseErr := url.Parse(b.inspectorURL); parseErr != nil || b.inspectorURL != "" && u.Hostname() == "" {
		err = errors.Join(err, errors.New("PRESIZE_INSPECTOR_URL: want http://host/path"))
	}
	return b, err
}

// inspector returns nil where nobody is to be asked.
func (b backend) inspector() worker.Inspector {
	if b.inspectorURL == "" {
		return nil
	}
	return inspection.HTTP{Client: http.DefaultClient, URL: b.inspectorURL}
}

// delay is shorter than that of the deployed function at first, because a person waits for
// the result, and goes up to ten minutes.
func delay(try int) time.Duration {
	if try >= notify.Tries {
		return 0
	}
	return min(250*time.Millisecond<<max(try-1, 0), 10*time.Minute)
}

// webhooks is the queue of the events, and what EventBridge puts in it on AWS.
type webhooks struct {
	backend
	queue *queue.Queue
}

// openWebhooks opens the queue with what earlier processes did not deliver.
func openWebhooks(b backend, dir string, log *slog.Logger) (webhooks, error) {
	failures, err := queue.Open(queue.Config{
		Name:      webhookFailureQueue,
		Dir:       filepath.Join(dir, webhookFailureQueue),
		Retention: failureRetention,
		Log:       log,
	})
	if err != nil {
		return webhooks{}, err
	}
	events, err := queue.Open(queue.Config{
		Name:        webhookQueue,
		Dir:         filepath.Join(dir, webhookQueue),
		Visibility:  6 * notifyTimeout,
		Retention:   failureRetention / 2,
		MaxReceives: notify.Tries,
		DeadLetters: failures,
		Log:         log,
	})
	return webhooks{b, events}, err
}

// notifier returns nil where nobody is to be told.
func (w webhooks) notifier() worker.Notifier {
	if w.webhookURL == "" {
		return nil
	}
	return w
}

// Notify implements [worker.Notifier]. It returns when the events are on the disk.
func (w webhooks) Notify(ctx context.Context, events ...media.Event) error {
	for _, event := range events {
		message, err := notify.Message(event)
		if err != nil {
			return err
		}
		if err := w.queue.Send(ctx, string(message), 0); err != nil {
			return err
		}
	}
	return nil
}

// start begins to send what is in the queue. Without a receiver it stays there.
func (w webhooks) start() *queue.Running {
	allowed, concurrency := notify.Public, webhookConcurrency
	if strings.HasPrefix(w.webhookURL, "http:") {
		allowed = notify.Loopback
	}
	if w.webhookURL == "" {
		concurrency = 0
	}
	sender := notify.New(notify.Config{
		URL:     w.webhookURL,
		Secrets: func(context.Context) ([]string, error) { return w.secrets, nil },
		Client:  notify.NewClient(allowed),
		Queue:   w.queue,
		Delay:   delay,
		Log:     w.queue.Log,
	})
	mapping := queue.Mapping{Queue: w.queue, Function: notifyName, Timeout: notifyTimeout, Concurrency: concurrency}
	return mapping.Start(func(ctx context.Context, event json.RawMessage) (any, error) {
		var batch events.SQSEvent
		if err := json.Unmarshal(event, &batch); err != nil {
			return nil, err
		}
		return sender.Handle(ctx, batch)
	})
}
