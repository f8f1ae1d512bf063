package origin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask returns the status of a request with these values of the header.
func ask(handler http.Handler, secrets ...string) int {
	request := httptest.NewRequest("GET", "/api/v1/healthz", nil)
	request.Header[Header] = secrets
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer.Code
}

func TestOnlyTheCDNGetsThrough(t *testing.T) {
	first, second, other := NewSecret(), NewSecret(), NewSecret()
	if first == second || len(first) != 43 {
		t.Fatalf("secrets of %d and %d characters", len(first), len(second))
	}
	digests, err := ParseDigests(Digest(first) + "," + Digest(second))
	if err != nil {
		t.Fatal(err)
	}
	api := digests.Guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for name, test := range map[string]struct {
		handler http.Handler
		secrets []string
		want    int
	}{
		"first secret":           {api, []string{first}, 204},
		"second secret":          {api, []string{second}, 204},
		"no secret":              {api, nil, 403},
		"empty secret":           {api, []string{""}, 403},
		"other secret":           {api, []string{other}, 403},
		"digest":                 {api, []string{Digest(first)}, 403},
		"part of a secret":       {api, []string{first[:42]}, 403},
		"through the CDN":        {Send(second, api), nil, 204},
		"guess through the CDN":  {Send(second, api), []string{other, first}, 204},
		"through another CDN":    {Send(other, api), []string{first}, 403},
		"nothing to be checked":  {Digests(nil).Guard(http.NotFoundHandler()), nil, 404},
		"other secret before it": {api, []string{other, first}, 403},
	} {
		if got := ask(test.handler, test.secrets...); got != test.want {
			t.Errorf("%s: status %d, want %d", name, got, test.want)
		}
	}
}

func TestDigestsAreRead(t *testing.T) {
	for text, want := range map[string]int{"": 0, ",": 0, Digest("a"): 1, Digest("a") + ",": 1, "," + Digest("b"): 1, Digest("a") + "," + Digest("b"): 2} {
		if got, err := ParseDigests(text); err != nil || len(got) != want {
			t.Errorf("%q: %d, %v, want %d", text, len(got), err, want)
		}
	}
	for _, text := range []string{"x", Digest("a")[1:], Digest("a") + "00", Digest("a") + " ", strings.Repeat("g", 64)} {
		if got, err := ParseDigests(text); err == nil {
			t.Errorf("%q: %x", text, got)
		}
	}
}
