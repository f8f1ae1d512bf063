package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// RequestTimeout is the longest time that a request can take. It is longer than the longest
// wait, and shorter than what Lambda and API Gateway (30 s) allow, so that clients get an
// answer of the API, with a request id.
const RequestTimeout = 25 * time.Second

// retryAfter tells a client that was turned away when to ask again, in seconds.
const retryAfter = "2"

// statusClientGone is logged if the client did not wait for its answer. It is never sent.
// The number is nginx's convention.
const statusClientGone = 499

// handler answers one request. If its error is a *problem, the client gets it. Any other
// error is a failure of the service: it is logged, and the client does not see it.
type handler func(*http.Request) (answer, error)

// answer is the response of a handler.
type answer struct {
	status int
	header http.Header
	body   []byte
	upload media.ID // for the log; "" if the request concerns no upload, or has the id in its path
	// counts are metrics for the log.
	counts []slog.Attr
}

// jsonAnswer returns an answer with value as its body.
func jsonAnswer(status int, value any) (answer, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // keeps URLs and markup readable
	if err := encoder.Encode(value); err != nil {
		return answer{}, fmt.Errorf("encode answer: %w", err)
	}
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"application/json"}},
		body:   body.Bytes(),
	}, nil
}

type requestIDKey struct{}

// WithRequestID sets the id of a request, for example that of API Gateway. A request
// without one gets a fresh id.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// serve makes an http.Handler of h: it bounds h's time, writes its answer, and logs one
// line with the route's pattern as path.
func (s *service) serve(path string, h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		requestID, ok := r.Context().Value(requestIDKey{}).(string)
		if !ok {
			requestID = rand.Text()
		}
		log := s.Log.With("requestId", requestID)
		ctx, cancel := context.WithTimeout(r.Context(), RequestTimeout)
		defer cancel()

		a := respond(h, r.WithContext(ctx), requestID, log)
		w.Header().Set("X-Request-Id", requestID)
		a.write(w, r)

		attrs := []slog.Attr{
			slog.String("method", r.Method),
			slog.String("route", path),
			slog.Int("status", a.status),
			slog.Int("bytes", len(a.body)),
			slog.Duration("elapsed", time.Since(started)),
		}
		if id, err := media.ParseID(r.PathValue("id")); err == nil {
			a.upload = id
		}
		if a.upload != "" {
			attrs = append(attrs, slog.String("id", string(a.upload)))
		}
		log.LogAttrs(ctx, slog.LevelInfo, "request", append(attrs, a.counts...)...)
	})
}

// respond runs h and turns its error, if any, into a problem. Errors that the client may
// not see are logged here, and nowhere else.
func respond(h handler, r *http.Request, requestID string, log *slog.Logger) answer {
	a, err := safely(h, r)
	if err == nil {
		return a
	}
	ended := r.Context().Err()
	if errors.Is(err, errPanic) {
		ended = nil // a panic is a bug, even if the client has left or the time is over
	}
	var p *problem
	switch {
	case errors.As(err, &p):
	case errors.Is(ended, context.Canceled):
		return answer{status: statusClientGone}
	case errors.Is(ended, context.DeadlineExceeded):
		log.Error("request took too long", "err", err)
		p = unavailable.problem("The answer took too long. Please try again.").with("Retry-After", retryAfter)
	case errors.Is(err, bucket.ErrBusy):
		log.Error("S3 is throttling", "err", err)
		p = unavailable.problem("There is too much to do at the moment. Please try again.").with("Retry-After", retryAfter)
	default:
		log.Error("request failed", "err", err)
		p = internal.problem("The request could not be served, through no fault of yours. Please try again.")
	}
	a, err = p.answer(requestID)
	if err != nil {
		panic(err) // a problem is made of strings, which always encode
	}
	return a
}

// errPanic is wrapped by the error that a handler's panic becomes.
var errPanic = errors.New("panic")

// safely turns a panic of h into an error. Nothing is written before h returns,
// so the client still gets a complete answer.
func safely(h handler, r *http.Request) (a answer, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %v\n%s", errPanic, value, debug.Stack())
		}
	}()
	return h(r)
}

// write sends the answer, or 304 if the client already has it (RFC 9110 §13.1.2).
func (a *answer) write(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Cache-Control", "no-store")
	for name, values := range a.header {
		header[name] = values
	}
	if a.status == http.StatusOK && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		digest := sha256.Sum256(a.body)
		tag := `"` + hex.EncodeToString(digest[:8]) + `"`
		header.Set("ETag", tag)
		// The tag has its quotes, so it is found in a list and behind W/ too.
		if strings.Contains(r.Header.Get("If-None-Match"), tag) {
			a.status, a.body = http.StatusNotModified, nil
		}
	}
	if r.Method == http.MethodHead {
		a.body = nil
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // an error means that the client has gone
}
