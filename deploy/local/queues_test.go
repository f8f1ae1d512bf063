package main

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/deploy/local/queue"
)

func TestQueuesAreThoseOfTheTemplate(t *testing.T) {
	var trigger struct {
		Resources map[string]struct {
			Properties struct {
				VisibilityTimeout      int `yaml:"VisibilityTimeout"`
				MessageRetentionPeriod int `yaml:"MessageRetentionPeriod"`
				RedrivePolicy          struct {
					MaxReceiveCount int `yaml:"maxReceiveCount"`
				} `yaml:"RedrivePolicy"`
			} `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(readFile(t, filepath.Join("..", "template", "trigger.yml")), &trigger); err != nil {
		t.Fatal(err)
	}
	work, err := openWork(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// SQS hides a message for 30 s where nothing else is said.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
	for id, local := range map[string]*queue.Queue{"WorkQueue": work, "FailureQueue": work.DeadLetters} {
		want := trigger.Resources[id].Properties
		if hidden := time.Duration(max(want.VisibilityTimeout, 30)) * time.Second; local.Visibility != hidden {
			t.Errorf("%s hides a message for %v, here %v", id, hidden, local.Visibility)
		}
		if kept := time.Duration(want.MessageRetentionPeriod) * time.Second; local.Retention != kept {
			t.Errorf("%s keeps a message for %v, here %v", id, kept, local.Retention)
		}
		if local.MaxReceives != want.RedrivePolicy.MaxReceiveCount {
			t.Errorf("%s delivers a message %d times, here %d", id, want.RedrivePolicy.MaxReceiveCount, local.MaxReceives)
		}
	}
}
