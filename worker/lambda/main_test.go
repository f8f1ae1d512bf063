package main

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/eventbus"
	"github.com/presize/presize/internal/invalidation"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/workqueue"
	"github.com/presize/presize/worker"
	"github.com/presize/presize/worker/inspection"
	"github.com/presize/presize/worker/renderer"
)

// start makes a worker of an environment that has nothing but the given variables.
func start(t *testing.T, vars map[string]string) (*worker.Worker, error) {
	t.Helper()
	program, err := renderer.Beside()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700); err != nil { // nothing is rendered here
		t.Fatal(err)
	}
	// The SDK reads the process's environment: none of the developer's must matter.
	t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
	t.Setenv("AWS_REGION", "eu-central-1")
	lookup := func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
	// The renderer logs when it has started, which may be after the test.
	return newWorker(t.Context(), env.New(lookup), slog.New(slog.DiscardHandler))
}

func TestEnvironmentConfiguresTheWorker(t *testing.T) {
	w, err := start(t, map[string]string{
		"PRESIZE_INPUT_BUCKET":    "in",
		"PRESIZE_OUTPUT_BUCKET":   "out",
		"PRESIZE_MAX_BYTES":       "1000",
		"PRESIZE_MAX_MEGAPIXELS":  "2",
		"PRESIZE_MAX_FRAMES":      "3",
		"PRESIZE_DISTRIBUTION_ID": "EDFDVBD6EXAMPLE",
		"PRESIZE_EVENT_BUS":       "presize-dev",
		"PRESIZE_INSPECTOR_ARN":   "arn:aws:lambda:eu-central-1:123456789012:function:inspect",
		"PRESIZE_WORK_QUEUE_URL":  "https://sqs.eu-central-1.amazonaws.com/111122223333/work",

		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := (media.Limits{Bytes: 1000, Pixels: 2_000_000, Frames: 3, Memory: 1 << 30}); w.Limits != want {
		t.Errorf("limits %+v, want %+v", w.Limits, want)
	}
	if d, ok := w.Invalidator.(invalidation.CloudFront); !ok || d.ID != "EDFDVBD6EXAMPLE" || d.Client == nil {
		t.Errorf("invalidator %+v", w.Invalidator)
	}
	if b, ok := w.Notifier.(eventbus.EventBridge); !ok || b.Bus != "presize-dev" || b.Client == nil {
		t.Errorf("notifier %+v", w.Notifier)
	}
	if l, ok := w.Inspector.(inspection.Lambda); !ok || !strings.HasSuffix(l.ARN, ":inspect") || l.Client == nil {
		t.Errorf("inspector %+v", w.Inspector)
	}
	if q, ok := w.Queue.(workqueue.SQS); !ok || !strings.HasSuffix(q.URL, "/work") || q.Client == nil || w.Backoff == 0 {
		t.Errorf("queue %+v", w.Queue)
	}
	if w.Input == nil || w.Output == nil || w.Presets == nil || w.Log == nil {
		t.Errorf("incomplete: %+v", w)
	}
}

func TestWhatIsNotSetIsNotThere(t *testing.T) {
	w, err := start(t, map[string]string{"PRESIZE_INPUT_BUCKET": "in", "PRESIZE_OUTPUT_BUCKET": "out", "PRESIZE_WORK_QUEUE_URL": "url"})
	if err != nil {
		t.Fatal(err)
	}
	if w.Inspector != nil || w.Notifier != nil {
		t.Errorf("inspector %v, notifier %v", w.Inspector, w.Notifier)
	}
	if w.Invalidator != nil || w.Limits != media.DefaultLimits() {
		t.Errorf("invalidator %v, limits %+v", w.Invalidator, w.Limits)
	}
}

func TestEveryBadSettingIsNamedAtOnce(t *testing.T) {
	_, err := start(t, map[string]string{"PRESIZE_MAX_BYTES": "many", "PRESIZE_MAX_FRAMES": "0"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"PRESIZE_INPUT_BUCKET", "PRESIZE_OUTPUT_BUCKET", "PRESIZE_WORK_QUEUE_URL", "PRESIZE_MAX_BYTES", "PRESIZE_MAX_FRAMES"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in: %v", name, err)
		}
	}
}
