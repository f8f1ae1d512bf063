package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

var testSecret = "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))

// receiver is a backend. It counts what it has taken, by type and id.
type receiver struct {
	*httptest.Server
	t        *testing.T
	verifier *standardwebhooks.Webhook
	answer   func(w http.ResponseWriter, r *http.Request) bool // whether it takes the event

	mu      sync.Mutex
	taken   map[string]int // by eventId
	events  []media.Event
	refused int
	arrived chan struct{} // has something in it when an event was taken
}

func startReceiver(t *testing.T, answer func(http.ResponseWriter, *http.Request) bool) *receiver {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, verifier: verifier, answer: answer, taken: make(map[string]int), arrived: make(chan struct{}, 1)}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the stack was killed
	}
	if err := r.verifier.Verify(body, request.Header); err != nil {
		r.t.Error(err)
	}
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	taken := answer(w, request)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !taken {
		r.refused++
		return
	}
	event, err := media.ParseEvent(body)
	if err != nil || event.Data.EventID != request.Header.Get("Webhook-Id") {
		r.t.Errorf("%s: %v", body, err)
	}
	r.taken[event.Data.EventID]++
	r.events = append(r.events, event)
	select {
	case r.arrived <- struct{}{}:
	default:
	}
}

// await waits until an event of each type has arrived for each of the ids.
func (r *receiver) await(c client, kind media.EventType, ids ...media.ID) {
	c.t.Helper()
	for {
		r.mu.Lock()
		missing := slices.Clone(ids)
		for _, event := range r.events {
			if event.Type == kind {
				missing = slices.DeleteFunc(missing, func(id media.ID) bool { return id == event.Data.ID })
			}
		}
		r.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-r.arrived:
		case <-c.ctx.Done():
			c.t.Fatalf("%d of %d times %s did not arrive: %q", len(missing), len(ids), kind, missing)
		}
	}
}

// tells makes a stack send webhooks.
func tells(url string) func(*settings) {
	return func(s *settings) { s.backend = backend{webhookURL: url + "/hooks", secrets: []string{testSecret}} }
}

func take(w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusNoContent)
	return true
}

func TestBackendIsToldOfEverythingThatHappens(t *testing.T) {
	photo, broken := phototest.Read(t, "test.png"), []byte("no image")
	r := startReceiver(t, take)
	c := startStack(t, tells(r.URL))
	good, bad := c.upload(media.PNG, photo), c.upload(media.PNG, broken)
	r.await(c, media.ImageReady, good.ID)
	r.await(c, media.ImageComplete, good.ID)
	r.await(c, media.ImageRejected, bad.ID)
	if response, answer := c.send("DELETE", media.StatusURL(good.ID), nil, "Upload-Secret", good.Secret); response.StatusCode != http.StatusAccepted {
		t.Fatalf("%s %s", response.Status, answer)
	}
	r.await(c, media.ImageDeleted, good.ID)
	// What was told is in the bucket, and not on the CDN.
	if response, _ := c.send("GET", media.URL(media.ToldKey(bad.ID)), nil); response.StatusCode != http.StatusNotFound {
		t.Errorf("what the backend was told is public: %s", response.Status)
	}
}

func TestRefusedUploadIsNotPublished(t *testing.T) {
	photo := phototest.Read(t, "test.png")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var upload struct{ Image []byte }
		if err := json.NewDecoder(r.Body).Decode(&upload); err != nil || !strings.HasPrefix(string(upload.Image), "\xff\xd8") {
			t.Errorf("asked about %.20q, %v", upload.Image, err)
		}
		fmt.Fprint(w, `{"verdict":"reject","detail":"No test images."}`)
	}))
	defer app.Close()
	c := startStack(t, func(s *settings) { s.backend.inspectorURL = app.URL })
	upload := c.upload(media.PNG, photo)
	m := c.await(upload.ID, func(m media.Manifest) bool { return m.Status == media.Rejected })
	if m.Rejection.Code != media.Refused || m.Rejection.Detail != "No test images." {
		t.Errorf("rejection %+v", m.Rejection)
	}
	for _, variant := range upload.Image.Variants {
		if response, _ := c.send("GET", variant.URL, nil); response.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", variant.URL, response.Status)
		}
	}
}

func TestDeliveriesOutliveAKill(t *testing.T) {
	photo := []byte("no image")
	settings := freeSettings(t)
	refused := make(chan struct{}, 100)
	r := startReceiver(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		refused <- struct{}{}
		return false
	})
	tells(r.URL)(&settings)
	first := startChild(t, settings)
	upload := first.upload(media.PNG, photo)
	<-refused
	if err := first.stop(os.Kill); err == nil {
		t.Fatal("the process was not killed")
	}
	r.mu.Lock()
	r.answer = take
	r.mu.Unlock()
	second := startChild(t, settings)
	r.await(second.client, media.ImageRejected, upload.ID)
	if err := second.stop(os.Interrupt); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}
