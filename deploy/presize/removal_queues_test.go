package main

import (
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/deploy/local/queue"
	localsqs "github.com/presize/presize/deploy/local/sqs"
)

// startQueues starts the queues of the stack behind an endpoint of SQS. The stack also has
// one that is gone.
func (h *removalHarness) startQueues(t *testing.T) *sqs.Client {
	t.Helper()
	keys := aws.Credentials{AccessKeyID: "operator", SecretAccessKey: "secret"}
	config := localsqs.Config{Region: "eu-central-1", Credentials: keys}
	for _, loss := range queueLosses() {
		q, err := queue.Open(queue.Config{Name: loss.id, Dir: t.TempDir(), Visibility: time.Hour, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		h.queue[loss.id] = q
		config.Queues = append(config.Queues, q)
	}
	server := httptest.NewServer(localsqs.Handler(config))
	t.Cleanup(server.Close)
	for id := range h.queue {
		h.urls[id] = localsqs.URL(server.URL, id)
	}
	return sqs.New(sqs.Options{
		Region: config.Region, BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
	})
}

func TestEventsAreNotLostWithTheirQueuesUnlessGivenUp(t *testing.T) {
	for name, test := range map[string]struct {
		queue    string
		data     bool
		refusals []string // "" if it is not refused
	}{
		"uploads that wait":             {"WorkQueue", false, []string{"WorkQueue, 2 events: 1 visible, 1 in flight, 0 delayed\n", "until a backfill", "until a sweep --deleted", "Wait until the worker"}},
		"events that failed":            {"FailureQueue", false, []string{"FailureQueue, 2 events", "AWS_REGION=eu-central-1 go run ./deploy/presize redrive --stage prod\n"}},
		"webhooks that wait":            {"WebhookQueue", false, []string{"WebhookQueue, 2 events", "The backend is never told"}},
		"webhooks that failed":          {"WebhookFailureQueue", false, []string{"WebhookFailureQueue, 2 events", "AWS_REGION=eu-central-1 go run ./deploy/presize redrive --webhooks --stage prod\n"}},
		"uploads that go too":           {"WorkQueue", true, nil},
		"failed uploads that go too":    {"FailureQueue", true, nil},
		"webhooks of what goes too":     {"WebhookQueue", true, []string{"WebhookQueue, 2 events"}},
		"lost webhooks of what goes":    {"WebhookFailureQueue", true, []string{"WebhookFailureQueue, 2 events"}},
		"queues of which one is gone":   {"gone", false, nil},
		"queues of which none has more": {"", false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newRemovalHarness(t, 1)
			h.data = test.data
			switch test.queue {
			case "":
			case "gone":
				h.urls["WorkQueue"] += "-gone"
				h.deploy(t, 0)
			default:
				for range 2 {
					if _, err := h.queue[test.queue].Add("{}", 0); err != nil {
						t.Fatal(err)
					}
				}
				if _, ok := h.queue[test.queue].TryReceive(time.Hour); !ok {
					t.Fatal("it has no event")
				}
			}
			err := h.answer(t.Context(), "prod\n")
			if refused := len(test.refusals) > 0; errors.Is(err, errWaiting) != refused || (h.removals == 0) != refused {
				t.Fatalf("%v, removed %d times\n%s", err, h.removals, h.out.String())
			}
			for _, want := range test.refusals {
				if !strings.Contains(h.out.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, h.out.String())
				}
			}
			if len(test.refusals) == 0 {
				return
			}
			h.abandon = true
			if err := h.answer(t.Context(), "no\n"); !errors.Is(err, errNotConfirmed) || h.removals != 0 {
				t.Errorf("not confirmed: %v, removed %d times", err, h.removals)
			}
			h.in, h.removal.out = strings.NewReader("prod\n"), io.Discard
			done, err := h.run(t.Context())
			if err != nil || h.removals != 1 || len(done.Abandoned) != 1 || done.Abandoned[0].Queue != test.queue ||
				done.Abandoned[0].depth != (depth{Visible: 1, InFlight: 1}) {
				t.Errorf("given up: %+v, %v", done, err)
			}
		})
	}
}

var queueOfTheTemplate = regexp.MustCompile(`(?m)^  (\w+):\n    Type: AWS::SQS::Queue$`)

func TestUndeployKnowsEveryQueueOfTheTemplate(t *testing.T) {
	files, err := filepath.Glob("../template/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range queueOfTheTemplate.FindAllStringSubmatch(string(text), -1) {
			want = append(want, match[1])
		}
	}
	for _, loss := range queueLosses() {
		got = append(got, loss.id)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("knows %q, the template has %q", got, want)
	}
}
