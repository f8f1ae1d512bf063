package faulttest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/presize/presize/internal/faulttest"
)

func TestOneRequestGoesWrong(t *testing.T) {
	for when, fault := range faulttest.Faults() {
		t.Run(when, func(t *testing.T) {
			var served []string
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { served = append(served, r.URL.Path) }))
			defer server.Close()
			transport := faulttest.New()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			step, injected := faulttest.At(2, fault, cancel)
			transport.Restart(step)
			send := func(path string) error {
				request, err := http.NewRequestWithContext(ctx, "GET", server.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				response, err := transport.RoundTrip(request)
				if err == nil {
					response.Body.Close()
				}
				return err
			}
			if err := send("/1"); err != nil || injected() {
				t.Errorf("first: %v, injected %t", err, injected())
			}
			if err := send("/2"); err == nil || !injected() {
				t.Errorf("second: %v, injected %t", err, injected())
			}
			want := map[string][]string{
				"before it took effect": {"/1", "/3"},
				"after it took effect":  {"/1", "/2", "/3"},
				"because time is up":    {"/1"}, // the context has ended
			}[when]
			if err := send("/3"); (err == nil) != slices.Contains(want, "/3") {
				t.Errorf("third: %v", err)
			}
			if !slices.Equal(served, want) {
				t.Errorf("served %q, want %q", served, want)
			}
			if got := transport.Sent("GET /2"); !slices.Equal(got, []string{"GET /2"}) {
				t.Errorf("sent %q", got)
			}
		})
	}
}
