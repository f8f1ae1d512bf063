// Package api is presize's upload API, described by openapi.yaml, as a plain
// http.Handler. It grants uploads, tells how far they are, and deletes them. It
// keeps no state: what it knows is in the two buckets.
//
// A request proves that an upload is its sender's by the upload's secret, from which the
// id derives, or by a token of the owner in the original's metadata (see [WithSubject]).
//
// Each handler takes a request and returns an answer or an error. [service.serve]
// is the one place that writes to the client: it turns errors into problems (see
// problem.go) and logs the request.
//
// On the input bucket the API calls bucket.PresignPut, Create, Head and Delete,
// on the output bucket Get; package bucket lists the IAM actions behind them.
package api

import (
	_ "embed"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/signed"
)

//go:embed openapi.yaml
var openAPI []byte

// DefaultGrantTTL is the default validity of a grant.
const DefaultGrantTTL = 15 * time.Minute

// Config is what the API needs. All of it is required unless it says otherwise.
type Config struct {
	Input    *bucket.Bucket // the originals
	Output   *bucket.Bucket // the manifests
	Presets  media.Presets
	Limits   media.Limits   // only Bytes can be checked before an upload
	Signer   *signed.Signer // of URLs of private uploads; nil if no preset is private
	SiteURL  string         // scheme and host of the CDN; without it nobody gets absolute URLs
	GrantTTL time.Duration  // how long a grant can be used
	// Held is how many answers this process holds at a time, for clients that wait for a
	// change. It answers all others at once, so that grants have room beside them.
	Held int
	Log  *slog.Logger
}

// service holds what the handlers share.
type service struct {
	Config
	held chan struct{} // has an element for each answer that is held
}

// route is one operation of the API.
type route struct {
	method, path string
	handle       handler
}

func (s *service) routes() []route {
	return []route{
		{http.MethodPost, "/api/v1/uploads", s.grant},
		{http.MethodGet, "/api/v1/uploads/{id}", s.status},
		{http.MethodDelete, "/api/v1/uploads/{id}", s.delete},
		{http.MethodPost, "/api/v1/images", s.createImage},
		{http.MethodGet, "/api/v1/presets", s.presets},
		{http.MethodGet, "/api/v1/openapi.yaml", s.describe},
		{http.MethodGet, "/api/v1/healthz", s.health},
	}
}

// New returns the API's handler. It answers every request within [RequestTimeout].
func New(config Config) http.Handler {
	s := &service{config, make(chan struct{}, config.Held)}
	mux := http.NewServeMux()
	allowed := make(map[string][]string) // methods by path
	for _, route := range s.routes() {
		mux.Handle(route.method+" "+route.path, s.serve(route.path, route.handle))
		allowed[route.path] = append(allowed[route.path], route.method)
		if route.method == http.MethodGet { // then the mux takes HEAD too
			allowed[route.path] = append(allowed[route.path], http.MethodHead)
		}
	}
	// The mux would answer the rest in plain text; the patterns above are more
	// specific than these and win.
	for path, methods := range allowed {
		mux.Handle(path, s.serve(path, otherMethods(strings.Join(methods, ", "))))
	}
	mux.Handle("/", s.serve("/", func(*http.Request) (answer, error) {
		return answer{}, notFound.problem("The API has no resource at this path.")
	}))
	return mux
}

// otherMethods answers a request whose method has no route. OPTIONS succeeds, for the
// preflights of browsers: whether a page may go on is for the front door to say, which
// adds the headers of CORS.
func otherMethods(allowed string) handler {
	return func(r *http.Request) (answer, error) {
		if r.Method == http.MethodOptions {
			return answer{status: http.StatusNoContent, header: http.Header{"Allow": {allowed}}}, nil
		}
		return answer{}, methodNotAllowed.problem("This resource allows %s.", allowed).with("Allow", allowed)
	}
}
