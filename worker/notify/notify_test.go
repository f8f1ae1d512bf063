package notify

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

func TestDeliveryIsAStandardWebhook(t *testing.T) {
	r := receive(t, nil)
	e := event()
	if failed := newSender(r.URL).failures(t, message(t, e, 1)); failed != nil {
		t.Fatalf("failed %q", failed)
	}
	got := r.received()
	if len(got) != 1 {
		t.Fatalf("%d deliveries", len(got))
	}
	want, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(got[0].body) != string(want) {
		t.Errorf("got  %s\nwant %s", got[0].body, want)
	}
	verifier, err := standardwebhooks.NewWebhook(testSecret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify(got[0].body, got[0].header); err != nil {
		t.Error(err)
	}
	if id := got[0].header.Get("Webhook-Id"); id != e.Data.EventID {
		t.Errorf("webhook-id %s, want %s", id, e.Data.EventID)
	}
}

func TestBothSecretsVerifyDuringARotation(t *testing.T) {
	r := receive(t, nil)
	s := newSender(r.URL)
	s.Secrets = func(context.Context) ([]string, error) { return []string{testSecret, nextSecret}, nil }
	s.failures(t, message(t, event(), 1))
	for _, secret := range []string{testSecret, nextSecret} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := verifier.Verify(r.received()[0].body, r.received()[0].header); err != nil {
			t.Error(err)
		}
	}
}

func TestEverythingButA2xxComesAgain(t *testing.T) {
	elsewhere := receive(t, nil)
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"refused":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "401"},
		"broken":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }, "502"},
		"gone":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }, "410"},
		"redirect": {http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect).ServeHTTP, "308"},
		"hung up":  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		"slow":     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline"},
	} {
		t.Run(name, func(t *testing.T) {
			r := receive(t, test.answer)
			s := newSender(r.URL + "/hook?token=t0k3n")
			if name == "slow" {
				s.Client.Timeout = 100 * time.Millisecond
			}
			m := message(t, event(), 1)
			if failed := s.failures(t, m); !slices.Equal(failed, []string{m.MessageId}) || s.queue.delays[m.ReceiptHandle] < firstDelay {
				t.Errorf("failed %q, postponed %v", failed, s.queue.delays)
			}
			if len(r.received()) != 1 || len(elsewhere.received()) != 0 {
				t.Errorf("%d deliveries, %d elsewhere", len(r.received()), len(elsewhere.received()))
			}
			if log := s.log.String(); !strings.Contains(log, test.want) || strings.Contains(log, "t0k3n") || strings.Contains(log, "owner") {
				t.Errorf("log %s", log)
			}
		})
	}
}

func TestOnlyWhatFailedComesAgain(t *testing.T) {
	lost := event()
	r := receive(t, func(w http.ResponseWriter, request *http.Request) {
		if request.Header.Get("Webhook-Id") == lost.Data.EventID {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	s := newSender(r.URL)
	want := message(t, lost, 1)
	broken := events.SQSMessage{MessageId: "broken", ReceiptHandle: "broken", Body: "{}"}
	failed := s.failures(t, message(t, event(), 1), want, message(t, event(), 1), broken)
	slices.Sort(failed)
	if !slices.Equal(failed, []string{"broken", want.MessageId}) || len(s.queue.delays) != 2 || len(r.received()) != 3 {
		t.Errorf("failed %q, postponed %v, %d deliveries", failed, s.queue.delays, len(r.received()))
	}
}

func TestNothingIsSentWithoutASecret(t *testing.T) {
	r := receive(t, nil)
	s := newSender(r.URL)
	for _, secrets := range [][]string{nil, {"whsec_*"}} {
		s.Secrets = func(context.Context) ([]string, error) {
			if secrets == nil {
				return nil, context.DeadlineExceeded
			}
			return secrets, nil
		}
		if failed := s.failures(t, message(t, event(), 1)); len(failed) != 1 || len(r.received()) != 0 {
			t.Errorf("failed %q, %d deliveries", failed, len(r.received()))
		}
	}
}

// SQS hides a message for twelve hours at most, and the queue keeps it for a week
// (deploy/template/events.yml).
func TestTriesGoOnForThreeDays(t *testing.T) {
	var least, most time.Duration
	for try := range Tries {
		delay := Backoff(try + 1)
		if delay < 0 || delay > 12*time.Hour || try+1 < Tries && delay < firstDelay {
			t.Errorf("after try %d: %v", try+1, delay)
		}
		least += delay - delay%firstDelay
		most += delay + delay/5
	}
	if least < 72*time.Hour || most > 5*24*time.Hour || Backoff(Tries) != 0 || Backoff(Tries+1) != 0 {
		t.Errorf("tries go on for %v to %v, %v after the last", least, most, Backoff(Tries))
	}
}

func TestSecretsAreOneOrTwo(t *testing.T) {
	for text, want := range map[string]int{
		testSecret:                           1,
		testSecret + "\n" + nextSecret + " ": 2,
		"":                                   0,
		testSecret + " " + nextSecret + " " + testSecret: 0,
		strings.TrimPrefix(testSecret, secretPrefix):     0,
		"whsec_c2hvcnQ=": 0,
		"whsec_!":        0,
		nextSecret + "A": 0,
	} {
		if got, err := ParseSecrets(text); len(got) != want || (err == nil) != (want > 0) || err != nil && strings.Contains(err.Error(), "c2hvcnQ") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func TestReceiversAreHTTPS(t *testing.T) {
	for text, want := range map[string]bool{
		"https://example.com":               true,
		"https://example.com:8443/hook?a=b": true,
		"http://example.com":                false,
		"https://user:pass@example.com":     false,
		"https:///hook":                     false,
		"https://example.com/#hook":         false,
		"example.com":                       false,
		"ftp://example.com":                 false,
		"https://exa mple.com":              false,
	} {
		if err := ParseURL(text, false); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	if err := ParseURL("http://localhost:1234", true); err != nil {
		t.Error(err)
	}
}
