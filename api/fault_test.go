package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

// instead answers the API's requests to S3 in the place of the server.
func (h *harness) instead(answer roundTrip) {
	h.faults.Restart(func(_ int, r *http.Request, _ faulttest.Carry) (*http.Response, error) { return answer(r) })
}

const secretCause = "cause-for-the-log-only"

func s3Error(status int) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: status,
			Header:     http.Header{"Content-Type": {"application/xml"}, "X-Amz-Request-Id": {secretCause}},
			Body:       io.NopCloser(strings.NewReader("<Error><Code>" + secretCause + "</Code></Error>")),
			Request:    r,
		}, nil
	}
}

// everyCall is a request to each operation that talks to S3.
func everyCall(secret media.Secret) []func(*harness) reply {
	path := media.StatusURL(secret.ID())
	return []func(*harness) reply{
		func(h *harness) reply { return h.do("GET", path, nil) },
		func(h *harness) reply { return h.do("GET", path, nil, "Prefer", "wait=20") },
		func(h *harness) reply { return h.do("DELETE", path, nil, secretHeader, secret.Reveal()) },
		func(h *harness) reply {
			return h.askGrant(`{"contentType":"image/png","bytes":5,"secret":"` + secret.Reveal() + `"}`)
		},
		func(h *harness) reply {
			return h.do("POST", "/api/v1/images", []byte("\xff\xd8\xff"), "Content-Type", "image/jpeg")
		},
	}
}

func TestThrottlingS3IsUnavailableAndSaysWhenToAskAgain(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	h.putOriginal(secret.ID(), "bytes")
	for _, call := range everyCall(secret) {
		h.instead(s3Error(http.StatusServiceUnavailable))
		got := call(h)
		wantProblem(t, got, unavailable)
		if got.header.Get("Retry-After") != retryAfter || strings.Contains(string(got.body), secretCause) {
			t.Errorf("answered %v %s", got.header, got.body)
		}
	}
}

// TestThrottlingS3EndsAWait lets S3 throttle once the answer is held.
func TestThrottlingS3EndsAWait(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putOriginal(id, "bytes")
	h.faults.Restart(func(n int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if n > 2 {
			return s3Error(http.StatusServiceUnavailable)(r)
		}
		return carry()
	})
	got := h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20")
	if m := decode[media.Manifest](t, got, http.StatusOK); m.ID != id || m.Status != media.Processing {
		t.Errorf("answered %+v", m)
	}
	if got.header.Get("Retry-After") != retryAfter || got.header.Get("Preference-Applied") != "" {
		t.Errorf("headers %v", got.header)
	}
}

// TestSlowS3EndsAWait lets S3 not answer any more once the answer is held.
func TestSlowS3EndsAWait(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putOriginal(id, "bytes")
	h.faults.Restart(func(n int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if n > 2 {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return carry()
	})
	got := h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=1")
	if m := decode[media.Manifest](t, got, http.StatusOK); m.ID != id || m.Status != media.Processing {
		t.Errorf("answered %+v", m)
	}
	if got.header.Get("Retry-After") != retryAfter {
		t.Errorf("headers %v", got.header)
	}
}

// TestOnlySoManyAnswersAreHeld lets a client wait where there is room for one. Meanwhile
// others are answered at once, grants included.
func TestOnlySoManyAnswersAreHeld(t *testing.T) {
	h := start(t, func(c *Config) { c.Held = 1 })
	id := media.NewID()
	h.putOriginal(id, "bytes")
	waits := make(chan struct{})
	isHeld := sync.OnceFunc(func() { close(waits) })
	h.faults.Restart(func(n int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if n > 2 { // it has looked once, and looks again
			isHeld()
		}
		return carry()
	})
	held := make(chan reply, 1)
	go func() { held <- h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20") }()
	<-waits
	h.faults.Restart(nil)
	for range 3 {
		got := h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20")
		if got.status != http.StatusOK || got.header.Get("Retry-After") != retryAfter || got.header.Get("Preference-Applied") != "" {
			t.Errorf("answered %d %v", got.status, got.header)
		}
		if got := h.askGrant(`{"contentType":"image/png","bytes":5}`); got.status != http.StatusCreated {
			t.Errorf("grant: %d %s", got.status, got.body)
		}
	}
	h.putManifest(readyManifest(id, true))
	if got := <-held; got.status != http.StatusOK || got.header.Get("Preference-Applied") != "wait=20" {
		t.Errorf("answered %d %v", got.status, got.header)
	}
	if got := h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20"); got.header.Get("Retry-After") != "" {
		t.Errorf("settled: %v", got.header)
	}
}

func TestFailingS3IsAGenericProblemAndPasses(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	id := secret.ID()
	h.putOriginal(id, "bytes")
	tests := map[string]roundTrip{
		"internal error":  s3Error(http.StatusInternalServerError),
		"no permission":   s3Error(http.StatusForbidden),
		"connection lost": func(*http.Request) (*http.Response, error) { return nil, errors.New(secretCause) },
		"timeout":         func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded },
		"panic":           func(*http.Request) (*http.Response, error) { panic(secretCause) },
	}
	for name, fault := range tests {
		t.Run(name, func(t *testing.T) {
			for _, call := range everyCall(secret) {
				h.instead(fault)
				got := call(h)
				wantProblem(t, got, internal)
				for _, hidden := range []string{secretCause, "presize-input", "amazonaws", string(id), secret.Reveal(), "127.0.0.1"} {
					if strings.Contains(string(got.body), hidden) {
						t.Errorf("the answer tells %q: %s", hidden, got.body)
					}
				}
				if line := h.log.await(`"level":"ERROR"`); !strings.Contains(line, got.header.Get("X-Request-Id")) {
					t.Errorf("the cause is logged without the request: %s", line)
				}
				h.faults.Restart(nil)
				if got := h.do("GET", media.StatusURL(id), nil); got.status != http.StatusOK {
					t.Errorf("afterwards: %d %s", got.status, got.body)
				}
			}
		})
	}
}

func TestFaultOfTheSecondLookIsAProblem(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putOriginal(id, "bytes")
	heads := 0
	h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if r.Method == http.MethodHead {
			heads++
		}
		if heads > 1 {
			return s3Error(http.StatusInternalServerError)(r)
		}
		return carry()
	})
	wantProblem(t, h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20"), internal)
}

// silence answers no request before its client gives up.
func silence(asked chan<- string) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		asked <- r.Method
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
}

func TestSilentS3IsAnsweredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan string, 100)
		log := make(logLines, 100)
		client := &http.Client{Transport: newContract(t, direct{New(testConfig(offline(silence(asked)), log))})}
		started := time.Now()
		wantProblem(t, do(t, client, "GET", "http://api"+media.StatusURL(media.NewID()), nil), unavailable)
		if took := time.Since(started); took <= maxWait || took >= 28*time.Second { // when the Lambda is stopped
			t.Errorf("answered after %v of the test's own time", took)
		}
		if line := log.await(`"level":"ERROR"`); !strings.Contains(line, "head presize-input") {
			t.Errorf("the log does not tell what took long: %s", line)
		}
	})
}

func TestRequestEndsWhenTheClientGoes(t *testing.T) {
	h := start(t)
	asked := make(chan string, 100)
	h.instead(silence(asked))
	ctx, leave := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, "GET", h.url+media.StatusURL(media.NewID()), nil)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		<-asked
		leave()
	}()
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if line := h.log.await(`"request"`); !strings.Contains(line, `"status":499`) {
		t.Errorf("got %s", line)
	}
}

func TestHeldAnswerEndsWhenTheClientGoes(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putOriginal(id, "bytes")
	ctx, leave := context.WithCancel(context.Background())
	heads := 0
	h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if r.Method == http.MethodHead {
			if heads++; heads == 2 {
				leave()
			}
		}
		return carry()
	})
	request, err := http.NewRequestWithContext(ctx, "GET", h.url+media.StatusURL(id), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Prefer", "wait=20")
	if _, err := http.DefaultClient.Do(request); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if line := h.log.await(`"request"`); !strings.Contains(line, `"status":499`) {
		t.Errorf("got %s", line)
	}
}
