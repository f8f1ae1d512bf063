// Package faulttest lets the requests of a client go wrong, one after the other, so
// that a test can prove that the next run repairs what any failed request left.
package faulttest

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Carry sends a request without any fault.
type Carry func() (*http.Response, error)

// Step is called in the place of a request, with its number from 1 on.
type Step func(n int, request *http.Request, carry Carry) (*http.Response, error)

// Transport carries requests, one at a time, and lets a test see them and step in.
type Transport struct {
	base http.RoundTripper

	mu   sync.Mutex
	sent []string
	step Step // nil carries everything
}

// New returns a Transport with connections of its own.
func New() *Transport {
	return &Transport{base: http.DefaultTransport.(*http.Transport).Clone()}
}

// Client returns a client like the given one whose requests go through the
// transport, each once: the SDK's own retries would hide what a failed request does.
func (t *Transport) Client(client *s3.Client) *s3.Client {
	return s3.New(client.Options(), func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: t}
		o.Retryer = aws.NopRetryer{}
	})
}

// RoundTrip implements [http.RoundTripper]. A request that has begun is carried to its end,
// even if its context ends: a request that is cut off may take effect at any later time.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	line := request.Method + " " + request.URL.Path
	if request.URL.Query().Has("tagging") {
		line += "?tagging"
	}
	t.sent = append(t.sent, line)
	carry := func() (*http.Response, error) {
		return t.base.RoundTrip(request.WithContext(context.WithoutCancel(request.Context())))
	}
	if t.step == nil {
		return carry()
	}
	return t.step(len(t.sent), request, carry)
}

// Restart forgets the requests so far and puts a step in the place of the next ones,
// which are counted from 1 again. Nil carries them.
func (t *Transport) Restart(step Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent, t.step = nil, step
}

// Sent returns those requests since the last Restart that start with prefix: method
// and path, with ?tagging where they are about tags.
func (t *Transport) Sent(prefix string) (requests []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, request := range t.sent {
		if strings.HasPrefix(request, prefix) {
			requests = append(requests, request)
		}
	}
	return requests
}

// ErrInjected is the error of a request that goes wrong on purpose.
var ErrInjected = errors.New("injected")

// Fault is a way in which a request can go wrong. cancel ends what the request is
// part of, as the end of an invocation does.
type Fault func(carry Carry, cancel func()) (*http.Response, error)

// Faults returns every kind of fault of a request, by the moment at which it happens.
func Faults() map[string]Fault {
	return map[string]Fault{
		"before it took effect": func(Carry, func()) (*http.Response, error) {
			return nil, ErrInjected
		},
		"after it took effect": func(carry Carry, _ func()) (*http.Response, error) {
			if response, err := carry(); err == nil {
				response.Body.Close()
			}
			return nil, ErrInjected
		},
		"because time is up": func(_ Carry, cancel func()) (*http.Response, error) {
			cancel()
			return nil, context.Canceled
		},
	}
}

// At returns a Step that lets the n-th request go wrong and carries the others.
// injected reports whether there was an n-th request.
func At(n int, fault Fault, cancel func()) (step Step, injected func() bool) {
	happened := false // guarded by the transport, and read after its last request
	step = func(i int, _ *http.Request, carry Carry) (*http.Response, error) {
		if i != n {
			return carry()
		}
		happened = true
		return fault(carry, cancel)
	}
	return step, func() bool { return happened }
}
