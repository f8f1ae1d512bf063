package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestOnlyAllowedOriginsMayReadImages(t *testing.T) {
	const origin = "https://app.example"
	stack := startStack(t, func(s *settings) { s.allowedOrigins = []string{"https://other.example", origin} })
	ask := func(path, origin string) http.Header {
		request, err := http.NewRequest("GET", stack.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Origin", origin)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.Header
	}
	id := string(media.NewID())
	for path, readable := range map[string]bool{
		"/i/" + id + "/manifest.json":         true,
		"/i/" + id + "/0a1b2c3d/640.avif":     true,
		"/i/" + id + "/0a1b2c3d/640":          true,
		"/presize.js":                         false,
		"/i/" + id + "/0a1b2c3d/640/whatever": true,
	} {
		allowed, other := ask(path, origin), ask(path, "https://evil.example")
		got := allowed.Get("Access-Control-Allow-Origin") == origin && strings.Contains(strings.Join(allowed.Values("Vary"), ","), "Origin")
		if got != readable || other.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v for an allowed origin, %v for another", path, allowed, other)
		}
	}
}

func TestOnlyAllowedOriginsMayUseTheAPI(t *testing.T) {
	issuer := startIssuer(t)
	for name, change := range map[string]func(*settings){
		"open":    func(*settings) {},
		"sign-in": issuer.settings,
	} {
		t.Run(name, func(t *testing.T) {
			stack := startStack(t, change, func(s *settings) { s.allowedOrigins = []string{"https://app.example"} })
			for origin, may := range map[string]bool{
				"https://app.example": true, "https://app.example.evil": false, "http://app.example": false, "https://other.example": false, "null": false, "": false,
			} {
				// A preflight has no token.
				preflight, _ := stack.send("OPTIONS", "/api/v1/uploads", nil, "Origin", origin,
					"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type,upload-secret")
				actual, _ := stack.send("GET", "/api/v1/uploads/x", nil, "Origin", origin) // 401 with sign-in, else 404
				for _, response := range []*http.Response{preflight, actual} {
					got := response.Header.Get("Access-Control-Allow-Origin")
					if (got == origin && origin != "") != may || !may && got != "" || response.Header.Get("Access-Control-Allow-Credentials") != "" {
						t.Errorf("%q: %s, allowed %q", origin, response.Status, got)
					}
				}
				if preflight.StatusCode != http.StatusNoContent || may && !strings.Contains(preflight.Header.Get("Access-Control-Allow-Headers"), "upload-secret") {
					t.Errorf("%q: preflight: %s %v", origin, preflight.Status, preflight.Header)
				}
			}
		})
	}
}

func TestWithoutTheSettingNoOtherOriginMayUseTheAPI(t *testing.T) {
	stack := startStack(t)
	for _, origin := range []string{"https://app.example", "null", "http://localhost:1"} {
		for _, method := range []string{"OPTIONS", "GET"} {
			response, _ := stack.send(method, "/api/v1/presets", nil, "Origin", origin, "Access-Control-Request-Method", "GET")
			for name := range response.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s of %s: %s", method, origin, name)
				}
			}
		}
	}
}
