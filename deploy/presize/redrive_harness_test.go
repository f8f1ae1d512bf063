package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/deploy/local/queue"
	localsqs "github.com/presize/presize/deploy/local/sqs"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3event"
)

// letterbox is the two queues of a service behind an endpoint of SQS, and a worker.
type letterbox struct {
	*testing.T
	dir        string
	transport  *faulttest.Transport
	server     *httptest.Server
	work, dead *queue.Queue
	webhooks   *queue.Queue // which nobody receives from
	service    service
	worker     sync.WaitGroup
	broken     func(media.ID) bool // whose events the worker can't deal with; nil if there is no worker

	mu      sync.Mutex
	done    map[string]bool // the events that the worker has dealt with
	handled int             // how often it has received one
}

func newLetterbox(t *testing.T, broken func(media.ID) bool) *letterbox {
	l := &letterbox{T: t, dir: t.TempDir(), transport: faulttest.New(), broken: broken, done: make(map[string]bool)}
	t.Setenv("PRESIZE_DATA", l.dir)
	l.open()
	t.Cleanup(func() { l.close() })
	return l
}

// open opens the queues with what is in the folder. An event that an earlier redrive has
// hidden is shown again, as after two minutes.
func (l *letterbox) open() {
	l.Helper()
	config := queue.Config{Name: "dead", Dir: filepath.Join(l.dir, "dead"), Visibility: time.Hour, Log: slog.New(slog.DiscardHandler)}
	var err error
	if l.dead, err = queue.Open(config); err != nil {
		l.Fatal(err)
	}
	config.Name, config.Dir, config.DeadLetters, config.MaxReceives = "work", filepath.Join(l.dir, "work"), l.dead, 1
	if l.work, err = queue.Open(config); err != nil {
		l.Fatal(err)
	}
	config.Name, config.Dir, config.DeadLetters, config.MaxReceives = "webhooks-dead", filepath.Join(l.dir, "webhooks-dead"), nil, 0
	failures, err := queue.Open(config)
	if err != nil {
		l.Fatal(err)
	}
	config.Name, config.Dir, config.DeadLetters, config.MaxReceives = "webhooks", filepath.Join(l.dir, "webhooks"), failures, 1
	if l.webhooks, err = queue.Open(config); err != nil {
		l.Fatal(err)
	}
	keys := aws.Credentials{AccessKeyID: "operator", SecretAccessKey: "secret"}
	l.server = httptest.NewServer(localsqs.Handler(localsqs.Config{Queues: []*queue.Queue{l.work, l.dead, l.webhooks, failures}, Region: "eu-central-1", Credentials: keys}))
	l.service = service{
		sqs: sqs.New(sqs.Options{
			Region: "eu-central-1", BaseEndpoint: &l.server.URL, Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
			HTTPClient:  &http.Client{Transport: l.transport},
		}),
		work: localsqs.URL(l.server.URL, "work"), failures: localsqs.URL(l.server.URL, "dead"),
	}
	access := operator.Access{
		SQS: l.server.URL, Region: "eu-central-1", AccessKeyID: keys.AccessKeyID, SecretAccessKey: keys.SecretAccessKey,
		WorkQueue: l.service.work, FailureQueue: l.service.failures,
		WebhookQueue: localsqs.URL(l.server.URL, "webhooks"), WebhookFailureQueue: localsqs.URL(l.server.URL, failures.Name),
	}
	if err := access.Write(l.dir); err != nil {
		l.Fatal(err)
	}
	if l.broken != nil {
		l.worker.Go(func() { l.consume(l.work) })
	}
}

func (l *letterbox) close() {
	l.server.Close()
	if _, err := l.work.Add(`"stop"`, 0); err != nil {
		l.Error(err)
	}
	l.worker.Wait()
}

// consume deals with events as the worker does, until it is told to stop.
func (l *letterbox) consume(work *queue.Queue) {
	for {
		message, err := work.Receive(l.Context())
		if err != nil || message.Body == `"stop"` {
			if err == nil {
				err = work.Delete(l.Context(), message.Receipt)
			}
			_ = err // the test has ended
			return
		}
		broken := l.broken(idOf(l.T, message.Body))
		if broken {
			err = work.ChangeVisibility(l.Context(), message.Receipt, 0)
		} else {
			err = work.Delete(l.Context(), message.Receipt)
		}
		if err != nil {
			l.Error(err)
		}
		l.mu.Lock()
		l.handled++
		l.done[message.Body] = l.done[message.Body] || !broken
		l.mu.Unlock()
	}
}

// progress returns how often the worker has received an event.
func (l *letterbox) progress() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handled
}

// isDone reports whether the worker has dealt with an event.
func (l *letterbox) isDone(event string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.done[event]
}

// fill dead-letters events and returns them.
func (l *letterbox) fill(count int) (events []string) {
	l.Helper()
	for range count {
		event, err := json.Marshal(s3event.New("ObjectCreated:Put", "eu-central-1", "in", media.OriginalKey(media.NewID()), 5, "e"))
		if err != nil {
			l.Fatal(err)
		}
		if _, err := l.dead.Add(string(event), 0); err != nil {
			l.Fatal(err)
		}
		events = append(events, string(event))
	}
	return events
}

// lost returns the events that are in neither queue and that the worker has not dealt with.
// An event can move from one queue to the other between two looks, so several must miss it.
func (l *letterbox) lost(events []string) []string {
	lost := slices.Clone(events)
	for range 5 {
		there := slices.Concat(l.bodies(l.work), l.bodies(l.dead), l.bodies(l.work))
		lost = slices.DeleteFunc(lost, func(event string) bool { return l.isDone(event) || slices.Contains(there, event) })
	}
	return lost
}

func (l *letterbox) bodies(q *queue.Queue) (bodies []string) {
	for _, message := range q.All() {
		bodies = append(bodies, message.Body)
	}
	return bodies
}

func idOf(t *testing.T, body string) media.ID {
	var event struct {
		Records []struct {
			S3 struct{ Object struct{ Key string } }
		}
	}
	if err := json.Unmarshal([]byte(body), &event); err != nil || len(event.Records) != 1 {
		t.Errorf("%s: %v", body, err)
		return ""
	}
	id, _ := media.ParseOriginalKey(event.Records[0].S3.Object.Key)
	return id
}

// interrupt starts a redrive as a process and ends it with a signal once the worker has
// received so many more events.
func (l *letterbox) interrupt(signal os.Signal, after int, args ...string) {
	l.Helper()
	from := l.progress()
	command := child(l.T, "80", append([]string{"redrive", "--local"}, args...)...)
	if err := command.Start(); err != nil {
		l.Fatal(err)
	}
	until(l.T, "the worker has received events", func() bool { return l.progress() >= from+after })
	if err := command.Process.Signal(signal); err != nil {
		l.Fatal(err)
	}
	if err := command.Wait(); err == nil {
		l.Error("the redrive was over before it was interrupted")
	}
}
