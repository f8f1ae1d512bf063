package api

import (
	"fmt"
	"log/slog"
	"net/http"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
)

// kind is the code of a problem: the end of its type, urn:presize:problem:{kind}.
type kind string

const (
	malformedJSON    kind = "malformed-json"
	unreadableBody   kind = "unreadable-body"
	notFound         kind = "not-found"
	uploadNotFound   kind = "upload-not-found"
	uploadExists     kind = "upload-exists"
	crossOrigin      kind = "cross-origin"
	forbidden        kind = "forbidden"
	methodNotAllowed kind = "method-not-allowed"
	bodyTooLarge     kind = "body-too-large"
	unsupportedType  kind = "unsupported-media-type"
	invalidRequest   kind = "invalid-request"
	internal         kind = "internal"
	unavailable      kind = "unavailable"
)

// kinds has the HTTP status and the title of each problem.
var kinds = map[kind]struct {
	status int
	title  string
}{
	malformedJSON:    {http.StatusBadRequest, "The body is not a JSON object"},
	unreadableBody:   {http.StatusBadRequest, "The body did not arrive whole"},
	notFound:         {http.StatusNotFound, "There is no such resource"},
	uploadNotFound:   {http.StatusNotFound, "There is no such upload"},
	uploadExists:     {http.StatusConflict, "There is another upload with this secret"},
	forbidden:        {http.StatusForbidden, "The upload is not yours"},
	crossOrigin:      {http.StatusForbidden, "The request comes from a page of another site"},
	methodNotAllowed: {http.StatusMethodNotAllowed, "The resource does not allow this method"},
	bodyTooLarge:     {http.StatusRequestEntityTooLarge, "The body is too large"},
	unsupportedType:  {http.StatusUnsupportedMediaType, "The body is of a type that is not accepted"},
	invalidRequest:   {http.StatusUnprocessableEntity, "The request is not valid"},
	internal:         {http.StatusInternalServerError, "Something went wrong on our side"},
	unavailable:      {http.StatusServiceUnavailable, "The service is too busy at the moment"},
}

// problem is an error whose text the client may see.
type problem struct {
	kind   kind
	detail string
	fields []fieldError
	header http.Header
}

// fieldError is an error in one field of a JSON body.
type fieldError struct {
	Pointer string     `json:"pointer"` // JSON pointer as a URI fragment (RFC 6901 §6)
	Detail  string     `json:"detail"`
	Code    media.Code `json:"code,omitempty"` // where the fault is the file's
}

// problem returns a problem of kind k. The detail is made of sentences for the
// person behind the client; they are formatted as by fmt.Sprintf.
func (k kind) problem(format string, args ...any) *problem {
	return &problem{kind: k, detail: fmt.Sprintf(format, args...), header: make(http.Header)}
}

// with adds a header to the answer that the problem becomes.
func (p *problem) with(name, value string) *problem {
	p.header.Set(name, value)
	return p
}

func (p *problem) Error() string { return string(p.kind) + ": " + p.detail }

// answer returns the problem as a document (RFC 9457 §3) about one request.
func (p *problem) answer(requestID string) (answer, error) {
	kind := kinds[p.kind]
	a, err := jsonAnswer(kind.status, struct {
		Type     string       `json:"type"`
		Title    string       `json:"title"`
		Status   int          `json:"status"`
		Detail   string       `json:"detail"`
		Instance string       `json:"instance"`
		Errors   []fieldError `json:"errors,omitempty"`
	}{"urn:presize:problem:" + string(p.kind), kind.title, kind.status, p.detail, "urn:presize:request:" + requestID, p.fields})
	for name, values := range p.header {
		a.header[name] = values
	}
	a.header.Set("Content-Type", "application/problem+json")
	a.counts = []slog.Attr{metric.CountBy("Problems", "Problem"), slog.String("Problem", string(p.kind))}
	return a, err
}
