// Package edge stands in for CloudFront: it serves page, API and images on one domain, with
// the deployed behaviors, functions and headers. It has no cache, so clients always get the
// origins' current content.
package edge

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzhttp"

	"github.com/presize/presize/deploy/template"
)

// behaviors are those of the CDN. The first one that matches a path answers.
type behaviors []behavior

type behavior struct {
	pattern *regexp.Regexp
	methods []string
	headers []template.Header
	reading template.CORSRule
	readers []string // origins whose pages may read
	origin  http.Handler
}

// New returns the CDN as one handler. origins are the handlers behind it, by the names
// that distribution uses. A name without a handler is an error. keys check signed URLs,
// in place of the key groups that behaviors trust.
func New(distribution template.Distribution, origins map[string]http.Handler, keys KeyGroup) (http.Handler, error) {
	compress, err := newCompressor()
	if err != nil {
		return nil, err
	}
	var all behaviors
	for _, config := range distribution.Behaviors {
		origin, ok := origins[config.Origin]
		if !ok {
			return nil, fmt.Errorf("no handler for the CDN's origin %q", config.Origin)
		}
		if config.Compress {
			origin = compress(origin)
		}
		function, err := compileFunction(config.Function)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", config.PathPattern, err)
		}
		origin = function.before(origin)
		if len(config.KeyGroups) > 0 {
			origin = keys.before(origin)
		}
		all = append(all, behavior{
			pattern: template.PathPattern(config.PathPattern),
			methods: config.Methods,
			reading: config.Reading,
			readers: distribution.AllowedOrigins,
			headers: slices.DeleteFunc(slices.Clone(config.Headers), func(header template.Header) bool {
				return header.Name == "Strict-Transport-Security" // forbidden over plain HTTP: RFC 6797 §7.2
			}),
			origin: origin,
		})
	}
	return all, nil
}

// newCompressor returns a compressor for an origin's answers. It compresses text of the
// types and sizes that CloudFront compresses.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
func newCompressor() (func(http.Handler) http.HandlerFunc, error) {
	return gzhttp.NewWrapper(
		gzhttp.EnableZstd(false),
		gzhttp.MinSize(1000),
		gzhttp.ContentTypes([]string{"text/html", "text/css", "text/javascript", "application/json", "image/svg+xml"}),
	)
}

func (all behaviors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, behavior := range all {
		if behavior.pattern.MatchString(r.URL.Path) {
			behavior.ServeHTTP(w, r)
			return
		}
	}
	http.NotFound(w, r)
}

func (b behavior) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &headerWriter{ResponseWriter: w, behavior: b, origin: r.Header.Get("Origin")}
	if !slices.Contains(b.methods, r.Method) {
		// CloudFront answers with this status.
		http.Error(w, "this method is not allowed here", http.StatusForbidden)
		return
	}
	b.origin.ServeHTTP(w, r)
}

// headerWriter adds the CDN's headers to an answer.
type headerWriter struct {
	http.ResponseWriter
	behavior behavior
	origin   string // of the page that asks
	done     bool
}

func (w *headerWriter) WriteHeader(status int) {
	if status >= http.StatusOK && !w.done {
		w.done = true
		w.addHeaders()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *headerWriter) Write(body []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(body)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *headerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *headerWriter) addHeaders() {
	answer := w.Header()
	for _, header := range w.behavior.headers {
		if header.Override || answer.Get(header.Name) == "" {
			answer.Set(header.Name, header.Value)
		}
	}
	if methods := w.behavior.reading.AllowedMethods; len(methods) > 0 && len(w.behavior.readers) > 0 {
		answer.Add("Vary", "Origin")
		if slices.Contains(w.behavior.readers, w.origin) {
			answer.Set("Access-Control-Allow-Origin", w.origin)
			answer.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
		}
	}
	// The compressed bytes differ but mean the same (RFC 9110 §8.8.1).
	if etag := answer.Get("ETag"); strings.HasPrefix(etag, `"`) && answer.Get("Content-Encoding") != "" {
		answer.Set("ETag", "W/"+etag)
	}
}
