package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
	"github.com/presize/presize/worker/notify"
)

// TestCanceledTaskIsOver interrupts a redrive by SQS, which must not go on by itself.
func TestCanceledTaskIsOver(t *testing.T) {
	l := newLetterbox(t, func(media.ID) bool { return false })
	events := l.fill(30)
	l.interrupt(os.Interrupt, 2, "--rate=5")
	attributes, err := attributesOf(t.Context(), l.service.sqs, l.service.failures, "QueueArn")
	if err != nil {
		t.Fatal(err)
	}
	out, err := l.service.sqs.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(attributes["QueueArn"])})
	if err != nil || len(out.Results) != 1 || *out.Results[0].Status != "CANCELLED" {
		t.Errorf("tasks %+v, %v", out, err)
	}
	if left := len(l.bodies(l.dead)); left == 0 || len(l.lost(events)) > 0 {
		t.Errorf("%d left, %d lost", left, len(l.lost(events)))
	}
}

func TestDryRedriveTellsWhatIsThereAndWhy(t *testing.T) {
	u := newUploads(t)
	l := newLetterbox(t, nil)
	events := l.fill(3)
	failed, missing, gone := idOf(t, events[0]), idOf(t, events[1]), idOf(t, events[2])
	u.put(failed)
	u.put(missing)
	u.publishFailure(failed, "The renderer ended twice.")
	s := l.service
	s.Uploads = u.service.Uploads
	letters := make(map[media.ID]letter)
	r := redrive{
		service: s, from: s.failures, to: s.work, dryRun: true, rate: 20, began: time.Now(), progress: silent{},
		found: func(l letter) error { letters[l.ID] = l; return nil },
	}
	if err := r.oneByOne(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[media.ID]letter{
		failed:  {State: finished.Unfinished, Error: "The renderer ended twice."},
		missing: {State: finished.Missing},
		gone:    {State: originalGone},
	} {
		if got := letters[id]; got.State != want.State || got.Error != want.Error || got.Key != media.OriginalKey(id) || got.Receives != 1 || time.Since(got.Sent) > time.Minute {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if visible, hidden := l.dead.Count(); visible != 3 || hidden != 0 || r.counts.Redriven != 3 {
		t.Errorf("%d visible, %d hidden, %+v", visible, hidden, r.counts)
	}
	r.filter, r.dryRun, r.counts = filter{error: "renderer ENDED"}, false, redriveCounts{}
	if err := r.oneByOne(t.Context()); err != nil || r.counts != (redriveCounts{Redriven: 1, Skipped: 2}) {
		t.Errorf("by error: %+v, %v", r.counts, err)
	}
	if got := l.bodies(l.work); !slices.Equal(got, events[:1]) {
		t.Errorf("redriven %q", got)
	}
}

func TestLettersPassTheFilter(t *testing.T) {
	now := time.Now()
	hour := letter{Sent: now.Add(-time.Hour), Error: "Access Denied (403)"}
	for name, test := range map[string]struct {
		filter filter
		want   bool
	}{
		"none":            {filter{}, true},
		"newer":           {filter{newerThan: 2 * time.Hour}, true},
		"not newer":       {filter{newerThan: time.Minute}, false},
		"older":           {filter{olderThan: time.Minute}, true},
		"not older":       {filter{olderThan: 2 * time.Hour}, false},
		"between":         {filter{newerThan: 2 * time.Hour, olderThan: time.Minute}, true},
		"error":           {filter{error: "access denied"}, true},
		"other error":     {filter{error: "timeout"}, false},
		"error too young": {filter{error: "denied", olderThan: 2 * time.Hour}, false},
	} {
		if got := test.filter.passes(hour, now); got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

// TestWebhooksAreRedrivenToTheirOwnQueue redrives webhooks in both ways, beside an event of
// the worker's that has failed and stays.
func TestWebhooksAreRedrivenToTheirOwnQueue(t *testing.T) {
	for name, args := range map[string][]string{"one by one": {"--older-than=1ns"}, "by SQS": nil} {
		t.Run(name, func(t *testing.T) {
			l := newLetterbox(t, nil)
			l.fill(1)
			event := media.Event{Type: media.ImageReady, Timestamp: time.Now(), Data: media.EventData{EventID: "a.b.ready", ID: media.NewID()}}
			message, err := notify.Message(event)
			if err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{string(message), "nonsense"} {
				if _, err := l.webhooks.DeadLetters.Add(body, 0); err != nil {
					t.Fatal(err)
				}
			}
			dry := presize(t, "redrive", "--local", "--webhooks", "--dry-run")
			for _, want := range []string{string(event.Data.ID) + "  ", "received 1 time, a.b.ready: see the log of notify\n", "not an event of presize", "2 events to redrive\n"} {
				if dry.code != 0 || !strings.Contains(dry.stdout, want) {
					t.Errorf("it does not say %q: %+v", want, dry)
				}
			}
			if got := presize(t, append([]string{"redrive", "--local", "--webhooks"}, args...)...); got.code != 0 || got.stdout != "2 events redriven\n" {
				t.Errorf("got %+v", got)
			}
			got := l.bodies(l.webhooks)
			slices.Sort(got)
			if want := []string{"nonsense", string(message)}; !slices.Equal(got, want) || len(l.bodies(l.webhooks.DeadLetters)) > 0 {
				t.Errorf("in the queue of webhooks: %q", got)
			}
			if len(l.bodies(l.dead)) != 1 || len(l.bodies(l.work)) != 0 {
				t.Error("the worker's event has not stayed")
			}
		})
	}
}

// TestStackWithoutWebhooksHasNoneToRedrive asks for them all the same.
func TestStackWithoutWebhooksHasNoneToRedrive(t *testing.T) {
	isolate(t)
	for name, test := range map[string]struct {
		outputs []stacktest.Output
		want    string
	}{
		"none are sent":     {nil, "sends no webhooks: webhookUrl is not set"},
		"an older template": {[]stacktest.Output{{Name: "WebhookFailureQueueUrl", Value: "https://sqs/failures"}}, "deploy it again"},
	} {
		t.Run(name, func(t *testing.T) {
			outputs := append(test.outputs, stacktest.Output{Name: "InputBucketName", Value: "in"}, stacktest.Output{Name: "OutputBucketName", Value: "out"},
				stacktest.Output{Name: "WorkQueueUrl", Value: "https://sqs/work"}, stacktest.Output{Name: "FailureQueueUrl", Value: "https://sqs/dead"})
			c := stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Status: "UPDATE_COMPLETE", Outputs: outputs})
			t.Setenv("AWS_ENDPOINT_URL", c.URL())
			t.Setenv("AWS_REGION", "eu-central-1")
			t.Setenv("AWS_ACCESS_KEY_ID", "key")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			if got := presize(t, "redrive", "--stage", "prod", "--webhooks"); got.code != 1 || !strings.Contains(got.stderr, test.want) {
				t.Errorf("got %+v, want %q", got, test.want)
			}
		})
	}
}

func TestRecordOfAFailedInvocationHasItsError(t *testing.T) {
	l := newLetterbox(t, nil)
	body := `{"requestPayload":` + l.fill(1)[0] + `,"responsePayload":{"errorMessage":"no memory"}}`
	got := openLetter(message(body))
	if got.ID == "" || got.Error != "no memory" || !strings.Contains(got.String(), "no memory") {
		t.Errorf("got %+v", got)
	}
	if got := openLetter(message("nonsense")); got.ID != "" || got.Error == "" {
		t.Errorf("got %+v", got)
	}
}

func message(body string) types.Message { return types.Message{Body: &body} }

// publishFailure publishes the manifest of an upload that has failed.
func (u *uploads) publishFailure(id media.ID, detail string) {
	u.Helper()
	original, err := u.Input.Head(u.Context(), media.OriginalKey(id))
	if err != nil {
		u.Fatal(err)
	}
	preset := u.service.Presets[0]
	m := media.Manifest{ID: id, Status: media.Failed, Preset: preset.Name, Rev: preset.Rev(), Failure: &media.Failure{Detail: detail}}
	document, err := m.Encode()
	if err != nil {
		u.Fatal(err)
	}
	if err := u.Output.Put(u.Context(), bucket.Info{
		Key: preset.Area().ManifestKey(id), ContentType: "application/json",
		Metadata: map[string]string{finished.MetadataName: finished.Identity(original)},
	}, document); err != nil {
		u.Fatal(err)
	}
}
