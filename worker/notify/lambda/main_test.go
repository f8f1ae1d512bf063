package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/worker/notify"
)

// start makes a sender of an environment that has nothing but the given variables.
func start(t *testing.T, vars map[string]string) (*notify.Notify, error) {
	t.Helper()
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	t.Setenv("AWS_REGION", "eu-central-1")
	lookup := func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
	return newNotify(t.Context(), env.New(lookup), slog.New(slog.DiscardHandler))
}

func TestEnvironmentConfiguresTheSender(t *testing.T) {
	vars := map[string]string{
		"PRESIZE_WEBHOOK_URL":    "https://example.com/hook",
		"PRESIZE_WEBHOOK_SECRET": "/presize/dev/webhook-secret",
		"PRESIZE_WEBHOOK_QUEUE":  "https://sqs.eu-central-1.amazonaws.com/1/webhooks",
	}
	n, err := start(t, vars)
	if err != nil {
		t.Fatal(err)
	}
	queue, ok := n.Queue.(notify.SQS)
	if !ok || n.URL != vars["PRESIZE_WEBHOOK_URL"] || queue.URL != vars["PRESIZE_WEBHOOK_QUEUE"] || queue.Client == nil || n.Secrets == nil || n.Delay == nil || n.Client == nil {
		t.Errorf("got %+v", n)
	}
	vars["PRESIZE_WEBHOOK_URL"] = "http://example.com/hook"
	if _, err := start(t, vars); err == nil || !strings.Contains(err.Error(), "PRESIZE_WEBHOOK_URL") {
		t.Errorf("plain HTTP: %v", err)
	}
}

func TestEveryMissingSettingIsNamedAtOnce(t *testing.T) {
	_, err := start(t, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"PRESIZE_WEBHOOK_URL", "PRESIZE_WEBHOOK_SECRET", "PRESIZE_WEBHOOK_QUEUE"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}
