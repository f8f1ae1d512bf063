// Package eventbustest gives tests a bus of EventBridge.
package eventbustest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/presize/presize/internal/eventbus"
	"github.com/presize/presize/internal/media"
)

const name = "presize-test"

// Bus answers PutEvents of EventBridge's API and keeps the events.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
type Bus struct {
	t   testing.TB
	url string

	mu      sync.Mutex
	refused int
	taking  func(media.Event)
	events  []media.Event
}

// Start runs a bus until the test ends.
func Start(t testing.TB) *Bus {
	t.Helper()
	b := &Bus{t: t}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	b.url = server.URL
	return b
}

// EventBridge returns the bus as the code under test sees it. The client sends each request
// once, through transport if that is not nil.
func (b *Bus) EventBridge(transport http.RoundTripper) eventbus.EventBridge {
	return eventbus.EventBridge{Bus: name, Client: eventbridge.New(eventbridge.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(b.url),
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: transport},
	})}
}

// Refuse makes the bus refuse the last entry of each of the next requests.
func (b *Bus) Refuse(requests int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refused = requests
}

// Restart forgets all events, and calls taking with each of the next ones, if it is not nil.
func (b *Bus) Restart(taking func(media.Event)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events, b.taking = nil, taking
}

// Events returns the events since the last Restart, in the order of their arrival.
func (b *Bus) Events() []media.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.events
}

type entry struct {
	EventBusName, Source, DetailType, Detail string
	Time                                     float64
}

type result struct {
	EventID   string `json:"EventId,omitempty"`
	ErrorCode string `json:",omitempty"`
}

func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var request struct{ Entries []entry }
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" ||
		!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/") || len(request.Entries) == 0 || len(request.Entries) > 10 {
		b.t.Errorf("%s %s, %s, %d entries, %v", r.Method, r.URL, r.Header, len(request.Entries), err)
	}
	var answer struct {
		FailedEntryCount int
		Entries          []result
	}
	for i, e := range request.Entries {
		if b.refused > 0 && i == len(request.Entries)-1 {
			b.refused--
			answer.FailedEntryCount++
			answer.Entries = append(answer.Entries, result{ErrorCode: "ThrottlingException"})
			continue
		}
		b.take(e)
		answer.Entries = append(answer.Entries, result{EventID: fmt.Sprint(len(b.events))})
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.NewEncoder(w).Encode(answer) // the client is gone
}

func (b *Bus) take(e entry) {
	event := media.Event{Type: media.EventType(e.DetailType), Timestamp: time.Unix(int64(e.Time), 0).UTC()}
	if err := json.Unmarshal([]byte(e.Detail), &event.Data); err != nil || e.EventBusName != name || e.Source != eventbus.Source {
		b.t.Errorf("entry %+v: %v", e, err)
	}
	if b.taking != nil {
		b.taking(event)
	}
	b.events = append(b.events, event)
}
