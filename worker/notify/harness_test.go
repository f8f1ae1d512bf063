package notify

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
)

var (
	testSecret = secretPrefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 24))
	nextSecret = secretPrefix + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("n"), 64))
)

// delivery is a request that a receiver got.
type delivery struct {
	header http.Header
	body   []byte
}

// receiver is a backend whose answers a test decides.
type receiver struct {
	*httptest.Server
	mu         sync.Mutex
	deliveries []delivery
}

// receive starts a receiver that answers as the handler does, and with 204 by default.
func receive(t *testing.T, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		r.deliveries = append(r.deliveries, delivery{request.Header, body})
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) received() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.deliveries
}

// postponed writes down which messages come again after which time.
type postponed struct {
	mu     sync.Mutex
	delays map[string]time.Duration // by receipt
}

func (p *postponed) ChangeVisibility(_ context.Context, receipt string, delay time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.delays == nil {
		p.delays = make(map[string]time.Duration)
	}
	p.delays[receipt] = delay
	return nil
}

// sender is a Notify on this machine, with its queue and its log.
type sender struct {
	*Notify
	queue *postponed
	log   *bytes.Buffer
}

func newSender(url string) sender {
	queue, log := new(postponed), new(bytes.Buffer)
	return sender{New(Config{
		URL:     url,
		Secrets: func(context.Context) ([]string, error) { return []string{testSecret}, nil },
		Client:  NewClient(Loopback),
		Queue:   queue,
		Delay:   Backoff,
		Log:     slog.New(slog.NewJSONHandler(log, nil)),
	}), queue, log}
}

// failures handles messages, and returns the ids of those that must come again.
func (s sender) failures(t *testing.T, messages ...events.SQSMessage) (ids []string) {
	t.Helper()
	response, err := s.Handle(t.Context(), events.SQSEvent{Records: messages})
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range response.BatchItemFailures {
		ids = append(ids, failure.ItemIdentifier)
	}
	return ids
}

var happenedAt = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func event() media.Event {
	manifest := media.Manifest{ID: media.NewID(), Rev: "0a1b2c3d", Preset: "photo", Status: media.Ready}
	return manifest.Events(media.Label{Owner: "<owner>"}, media.Public, happenedAt)[0]
}

// message is an event as EventBridge puts it in a queue, at the given try.
func message(t *testing.T, e media.Event, try int) events.SQSMessage {
	t.Helper()
	detail, err := e.Data.Encode()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"version": "0", "id": "6f0c", "detail-type": e.Type, "source": "presize", "account": "123456789012",
		"time": e.Timestamp.Format(time.RFC3339), "region": "eu-central-1", "resources": []string{}, "detail": json.RawMessage(detail),
	})
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprint(e.Data.EventID, "-", try)
	return events.SQSMessage{
		MessageId: "message " + name, ReceiptHandle: "receipt " + name, Body: string(body), EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(try)},
	}
}
