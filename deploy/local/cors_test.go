package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/deploy/local/edge"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/web"
)

// startApp serves an app of another origin, which has the client module among its files.
func startApp(t *testing.T) (origin string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", edge.Site(web.FS, web.Index))
	mux.HandleFunc("GET /app", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>App</title><link rel=icon href=data:,>")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// useService is what the app's page does: it uploads, waits, and deletes. It gives what it
// came to.
const useService = `
	(async (endpoint, photo) => {
		const { complete, createSecret, deleteUpload, getUpload, presets, upload } = await import('/presize.js');
		const steps = [];
		try {
			steps.push((await presets({ endpoint }))[0].name);
			const secret = createSecret();
			const bytes = Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0));
			const { id } = await upload(new File([bytes], 'a.png', { type: 'image/png' }), { preset: 'avatar', secret, endpoint });
			steps.push((await complete(id, { secret, endpoint })).status);
			steps.push((await getUpload(id, { endpoint, secret: createSecret() })).status);
			steps.push((await deleteUpload(id, { endpoint, secret: createSecret() }).catch((error) => error)).code);
			await deleteUpload(id, { endpoint, secret });
			steps.push((await getUpload(id, { endpoint, secret }).catch((error) => error)).code ?? 'still there');
		} catch (error) {
			steps.push(error.code ?? String(error));
		}
		return steps.join(' ');
	})(%q, %q)`

func TestPageOfAnAllowedOriginUsesTheWholeService(t *testing.T) {
	photo := base64.StdEncoding.EncodeToString(phototest.Read(t, "test.png"))
	b := openBrowser(t)
	allowed, other := startApp(t), startApp(t)
	stack := startStack(t, func(s *settings) { s.allowedOrigins = []string{"https://app.example", allowed} })
	for origin, want := range map[string]string{
		allowed: "photo ready ready forbidden upload-not-found",
		other:   "network",
	} {
		b.do(chromedp.Navigate(origin + "/app"))
		got := evaluate[string](b, fmt.Sprintf(useService, stack.url+"/api/v1", photo))
		// The worker may still have the manifest: the deletion is on its way.
		if got = strings.Replace(got, "still there", "upload-not-found", 1); got != want {
			t.Errorf("%s: %s, want %s", origin, got, want)
		}
	}
}

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
