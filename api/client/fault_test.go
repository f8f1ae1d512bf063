package client

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/internal/faulttest"
)

// passing are faults that pass when the request is repeated.
func passing() map[string]faulttest.Fault {
	faults := map[string]faulttest.Fault{
		"cut off in the answer": cut,
		"503 of the storage":    answer(503, "application/xml", "<Error><Code>SlowDown</Code></Error>"),
		"429 of API Gateway":    answer(429, "application/json", `{"message":"Too Many Requests"}`),
		"429 with a time":       answer(429, "text/plain", "", "Retry-After", "7"),
		"502 of a proxy":        answer(502, "text/html", "<html>"),
	}
	maps.Copy(faults, faulttest.Faults())
	delete(faults, "because time is up")
	return faults
}

// TestUploadSurvivesAnyFault lets every request of an upload go wrong in every way.
func TestUploadSurvivesAnyFault(t *testing.T) {
	for name, fault := range passing() {
		t.Run(name, func(t *testing.T) {
			file := png(100)
			for n := 1; ; n++ {
				h, upload := newHarness(t, endpoint), NewUpload()
				step, injected := faulttest.At(n, fault, nil)
				h.faults.Restart(step)
				manifest, err := h.Upload(t.Context(), upload, file, Settings{})
				if err != nil || manifest.ID != upload.ID {
					t.Fatalf("request %d: %v", n, err)
				}
				if arrived := running.arrivals(upload); arrived != 1 || !bytes.Equal(running.original(t, upload), contentOf(t, file)) {
					t.Errorf("request %d: the original arrived %d times", n, arrived)
				}
				if !injected() {
					if n < 4 {
						t.Errorf("an upload has only %d requests", n-1)
					}
					break
				}
			}
		})
	}
}

func TestDeletionSurvivesAnyFault(t *testing.T) {
	for name, fault := range passing() {
		h, upload := newHarness(t, endpoint), NewUpload()
		if err := h.Send(t.Context(), upload, png(100), Settings{}); err != nil {
			t.Fatal(err)
		}
		step, injected := faulttest.At(1, fault, nil)
		h.faults.Restart(step)
		if err := h.Delete(t.Context(), upload); err != nil || !injected() {
			t.Errorf("%s: %v", name, err)
		}
		if sent := len(h.faults.Sent(http.MethodDelete)); sent != 2 {
			t.Errorf("%s: sent %d times", name, sent)
		}
	}
}

// TestNothingIsRepeatedForever gives up, after pauses that grow.
func TestNothingIsRepeatedForever(t *testing.T) {
	for n, method := range map[int]string{1: "POST", 2: "PUT"} {
		for name, fault := range passing() {
			h := newHarness(t, endpoint)
			h.faults.Restart(func(i int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
				if i < n {
					return carry()
				}
				return fault(func() (*http.Response, error) { return nil, faulttest.ErrInjected }, nil)
			})
			_, err := h.Upload(t.Context(), NewUpload(), png(100), Settings{})
			if err == nil || strings.Contains(err.Error(), "X-Amz") {
				t.Errorf("%s, %s: %v", method, name, err)
			}
			if tried := len(h.faults.Sent(method)); tried != attempts || len(h.pauses) != attempts-1 {
				t.Errorf("%s, %s: tried %d times with pauses %v", method, name, tried, h.pauses)
			}
			for i, pause := range h.pauses {
				if most := max(firstPause<<i, 7*time.Second); pause > most || pause < firstPause<<i/2 {
					t.Errorf("%s, %s: pause %d is %s", method, name, i, pause)
				}
			}
		}
	}
}

func TestExpiredGrantIsRenewed(t *testing.T) {
	hasty := running.serve(time.Second)
	defer hasty.Close()
	h, upload, file := newHarness(t, hasty.URL), NewUpload(), png(100)
	h.faults.Restart(func(n int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if n == 2 {
			signed, err := time.Parse("20060102T150405Z", r.URL.Query().Get("X-Amz-Date"))
			if err != nil {
				t.Error(err)
			}
			<-time.After(time.Until(signed.Add(2 * time.Second))) // S3 counts whole seconds
		}
		return carry()
	})
	if err := h.Send(t.Context(), upload, file, Settings{}); err != nil {
		t.Fatal(err)
	}
	if grants, puts := h.faults.Sent("POST"), h.faults.Sent("PUT"); len(grants) != 2 || len(puts) != 2 || running.arrivals(upload) != 1 {
		t.Errorf("%d grants and %d uploads", len(grants), len(puts))
	}
}

func TestGrantIsNotRenewedForever(t *testing.T) {
	for name, fault := range map[string]faulttest.Fault{
		"expired":             answer(403, "application/xml", "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"),
		"expired credentials": answer(400, "application/xml", "<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"),
	} {
		h := newHarness(t, endpoint)
		h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
			if r.Method == http.MethodPut {
				return fault(carry, nil)
			}
			return carry()
		})
		err := h.Send(t.Context(), NewUpload(), png(100), Settings{})
		if err == nil || !strings.Contains(err.Error(), "has expired") || len(h.faults.Sent("PUT")) != renewals+1 {
			t.Errorf("%s: %v after %q", name, err, h.faults.Sent(""))
		}
	}
}

func TestRefusalsAreNotRepeated(t *testing.T) {
	h := newHarness(t, endpoint)
	damaged := func(code string) faulttest.Fault {
		return answer(400, "application/xml", "<Error><Code>"+code+"</Code><Message>differs</Message></Error>")
	}
	for name, test := range map[string]struct {
		fault      faulttest.Fault
		unreadable bool
		want       string
	}{
		"bytes that differ":         {damaged("BadDigest"), true, "read the file: it has changed"},
		"another digest":            {damaged("XAmzContentChecksumMismatch"), true, "XAmzContentChecksumMismatch"},
		"another signed digest":     {damaged("XAmzContentSHA256Mismatch"), true, "differs"},
		"no digest":                 {damaged("InvalidDigest"), true, "differs"},
		"bytes that are missing":    {damaged("IncompleteBody"), true, "differs"},
		"something else":            {damaged("InvalidRequest"), false, "InvalidRequest"},
		"a long pause":              {answer(503, "text/plain", "", "Retry-After", "61"), false, "(try again in 1m1s)"},
		"a pause that has no bound": {answer(429, "text/plain", "", "Retry-After", "99999999999999999999"), false, "(try again in 596523h14m7s)"},
	} {
		step, _ := faulttest.At(2, test.fault, nil)
		h.faults.Restart(step)
		var refused *Error
		err := h.Send(t.Context(), NewUpload(), png(100), Settings{})
		if !errors.As(err, &refused) || errors.Is(err, ErrUnreadable) != test.unreadable || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if len(h.faults.Sent("")) != 2 || len(h.pauses) > 0 {
			t.Errorf("%s: it sent %q and paused for %v", name, h.faults.Sent(""), h.pauses)
		}
	}
}

func TestEndOfTheContextEndsAnUpload(t *testing.T) {
	for n := 1; ; n++ {
		h := newHarness(t, endpoint)
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		step, injected := faulttest.At(n, faulttest.Faults()["because time is up"], func() { cancel(stop) })
		h.faults.Restart(step)
		_, err := h.Upload(ctx, NewUpload(), png(100), Settings{})
		if !injected() {
			break
		}
		if !errors.Is(err, stop) || len(h.faults.Sent("")) != n {
			t.Errorf("request %d: %v, then %q", n, err, h.faults.Sent(""))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	h := newHarness(t, endpoint)
	err := h.Send(ctx, NewUpload(), png(100), Settings{OnProgress: func(Progress) { cancel() }})
	if !errors.Is(err, context.Canceled) || len(h.faults.Sent("")) > 0 {
		t.Errorf("cancelled while hashing: %v, sent %q", err, h.faults.Sent(""))
	}
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestWaitDoesNotFloodAServiceThatDoesNotHoldItsAnswer(t *testing.T) {
	testAsks(t, 10, 20)
	testAsks(t, 3, 3, "Retry-After", "25")                   // the service is busy, and says so
	testAsks(t, 2, 2, "Retry-After", "99999999999999999999") // nobody waits that long
}

// testAsks waits for a bit more than a minute.
func testAsks(t *testing.T, fewest, most int, busy ...string) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c, err := New("https://images.example.com", Options{HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			asked++
			return answer(200, "application/json", `{"status":"processing"}`, busy...)(nil, nil)
		})}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute+time.Second)
		defer cancel()
		if _, err := c.WaitReady(ctx, NewUpload()); !errors.Is(err, context.DeadlineExceeded) || asked < fewest || asked > most {
			t.Errorf("asked %d times: %v", asked, err)
		}
	})
}
