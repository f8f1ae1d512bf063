package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
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

func TestFailingS3IsAGenericProblemAndPasses(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	id := secret.ID()
	h.putOriginal(id, "bytes")
	tests := map[string]roundTrip{
		"internal error":  s3Error(http.StatusInternalServerError),
		"throttled":       s3Error(http.StatusServiceUnavailable),
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
