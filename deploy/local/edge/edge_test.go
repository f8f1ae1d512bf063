package edge_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/local/edge"
	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/web"
)

const (
	uploadOrigin = "http://localhost:9000"
	variantKey   = "i/abc/01234567/320.webp"
	manifestKey  = "i/abc/manifest.json"
	immutable    = "public, max-age=31536000, immutable"
)

// start serves the CDN in front of the real page, a real bucket and an API that
// answers with the request's method and path.
func start(t *testing.T) (url string, output *bucket.Bucket) {
	t.Helper()
	env := s3test.Start(t, nil)
	distribution, err := template.Deployment{OutputBucket: s3test.Output, UploadOrigin: uploadOrigin}.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	handler, err := edge.New(distribution, map[string]http.Handler{
		"site":   edge.Site(web.FS, distribution.RootObject),
		"output": edge.Objects(env.Output, slog.New(slog.NewTextHandler(t.Output(), nil))),
		"api": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Referrer-Policy", "the API's own")
			w.WriteHeader(http.StatusAccepted)
			fmt.Fprint(w, r.Method, " ", r.URL)
		}),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, env.Output
}

func put(t *testing.T, output *bucket.Bucket, key, contentType, cacheControl, body string) {
	t.Helper()
	info := bucket.Info{Key: key, ContentType: contentType, CacheControl: cacheControl}
	if err := output.Put(t.Context(), info, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

// send sends a request with headers given as name, value, name, value and so on.
func send(t *testing.T, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "identity")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func TestPathsLeadToTheirOrigins(t *testing.T) {
	url, output := start(t)
	put(t, output, variantKey, "image/webp", immutable, "pixels")
	put(t, output, manifestKey, "application/json", "public, max-age=1", "{}")
	for _, test := range []struct {
		method, path string
		status       int
		contentType  string
		cacheControl string
		body         string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", web.CacheControl, "<!doctype html>"},
		{"GET", "/presize.js", 200, "text/javascript; charset=utf-8", web.CacheControl, ""},
		{"GET", "/style.css", 200, "text/css; charset=utf-8", web.CacheControl, ""},
		{"GET", "/icon.svg", 200, "image/svg+xml", web.CacheControl, "<svg"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", web.CacheControl, ""},
		{"GET", "/nothing", 404, "text/html; charset=utf-8", "", "<!doctype html>"},
		{"GET", "/nothing.js", 404, "text/plain; charset=utf-8", "", "404"},
		{"HEAD", "/nothing", 404, "text/html; charset=utf-8", "", ""},
		{"GET", "/web.go", 404, "text/html; charset=utf-8", "", "<!doctype html>"},
		{"GET", "/../web.go", 404, "text/html; charset=utf-8", "", "<!doctype html>"},
		{"POST", "/", 403, "text/plain; charset=utf-8", "", "this method"},
		{"GET", "/" + variantKey, 200, "image/webp", immutable, "pixels"},
		{"HEAD", "/" + variantKey, 200, "image/webp", immutable, ""},
		{"GET", "/" + manifestKey, 200, "application/json", "public, max-age=1", "{}"},
		{"GET", "/i/abc/01234567/640.webp", 404, "text/plain; charset=utf-8", "", "404"},
		{"GET", "/i/../../../secret", 404, "text/plain; charset=utf-8", "", "404"},
		{"PUT", "/" + variantKey, 403, "text/plain; charset=utf-8", "", "this method"},
		{"DELETE", "/" + variantKey, 403, "text/plain; charset=utf-8", "", "this method"},
		{"DELETE", "/api/v1/uploads/x?y=z", 202, "application/json", "", "DELETE /api/v1/uploads/x?y=z"},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			response, body := send(t, test.method, url+test.path)
			if response.StatusCode != test.status ||
				response.Header.Get("Content-Type") != test.contentType ||
				response.Header.Get("Cache-Control") != test.cacheControl ||
				!strings.HasPrefix(body, test.body) {
				t.Errorf("got %s %q %.40q", response.Status, response.Header, body)
			}
		})
	}
}

func TestEveryAnswerHasProductionsHeaders(t *testing.T) {
	url, output := start(t)
	put(t, output, variantKey, "image/webp", immutable, "pixels")
	for path, policy := range map[string]string{
		"/":                "connect-src 'self' " + uploadOrigin,
		"/nothing":         "connect-src 'self' " + uploadOrigin,
		"/" + variantKey:   "default-src 'none'; frame-ancestors 'none'",
		"/i/nothing":       "default-src 'none'; frame-ancestors 'none'",
		"/api/v1/anything": "default-src 'none'; frame-ancestors 'none'",
	} {
		response, _ := send(t, "GET", url+path)
		if got := response.Header.Get("Content-Security-Policy"); !strings.Contains(got, policy) {
			t.Errorf("%s: policy %q, want %q", path, got, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options":    "nosniff",
			"X-Frame-Options":           "DENY",
			"Referrer-Policy":           "no-referrer", // the origin's yields
			"Strict-Transport-Security": "",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestUnchangedBytesAreNotSentAgain(t *testing.T) {
	url, output := start(t)
	put(t, output, variantKey, "image/webp", immutable, "pixels")
	put(t, output, manifestKey, "application/json", "public, max-age=1", strings.Repeat("{} ", 1000))
	for _, path := range []string{"/", "/" + variantKey, "/" + manifestKey} {
		for _, encoding := range []string{"identity", "gzip"} {
			first, _ := send(t, "GET", url+path, "Accept-Encoding", encoding)
			again, body := send(t, "GET", url+path, "Accept-Encoding", encoding, "If-None-Match", first.Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("%s (%s): %s for ETag %q", path, encoding, again.Status, first.Header.Get("ETag"))
			}
		}
	}
	part, body := send(t, "GET", url+"/"+variantKey, "Range", "bytes=1-3")
	if part.StatusCode != http.StatusPartialContent || body != "ixe" {
		t.Errorf("range: %s %q", part.Status, body)
	}
}

func TestMissingObjectIsThereOnceItIsPublished(t *testing.T) {
	url, output := start(t)
	if response, _ := send(t, "GET", url+"/"+variantKey); response.StatusCode != http.StatusNotFound {
		t.Errorf("before: %s", response.Status)
	}
	put(t, output, variantKey, "image/webp", immutable, "pixels")
	if response, _ := send(t, "GET", url+"/"+variantKey); response.StatusCode != http.StatusOK {
		t.Errorf("after: %s", response.Status)
	}
}

func TestTextIsCompressedAndImagesAreNot(t *testing.T) {
	url, output := start(t)
	long := strings.Repeat("pixels", 1000)
	put(t, output, variantKey, "image/webp", immutable, long)
	put(t, output, manifestKey, "application/json", "public, max-age=1", long)

	response, _ := send(t, "GET", url+"/"+variantKey, "Accept-Encoding", "gzip, br")
	if got := response.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("variant: encoding %q", got)
	}
	response, body := send(t, "GET", url+"/"+manifestKey, "Accept-Encoding", "gzip, br")
	if got := response.Header.Get("Content-Encoding"); got != "gzip" {
		t.Fatalf("manifest: encoding %q", got)
	}
	if !strings.HasPrefix(response.Header.Get("ETag"), `W/"`) || response.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("manifest: headers %q", response.Header)
	}
	plain, err := gzip.NewReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(plain); err != nil || string(got) != long {
		t.Errorf("manifest: %d bytes, %v", len(got), err)
	}
}

func TestOriginWithoutAHandlerIsAnError(t *testing.T) {
	distribution := template.Distribution{Behaviors: []template.Behavior{{PathPattern: "*", Origin: "site"}}}
	if _, err := edge.New(distribution, nil, nil); err == nil {
		t.Error("no error")
	}
}
