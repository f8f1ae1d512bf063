package api

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/presize/presize/internal/media"
)

// readBody returns the whole body of a request, unless it has more than limit bytes.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, bodyTooLarge.problem("At most %s are accepted here.", media.Bytes(limit))
	case err != nil:
		return nil, unreadableBody.problem("The connection broke or the encoding is wrong. Please send it again.")
	}
	return body, nil
}

// contentType returns the media type that a request declares for its body, in
// lower case and without parameters, or "" where it declares none.
func contentType(r *http.Request) (string, error) {
	declared := r.Header.Get("Content-Type")
	if declared == "" {
		return "", nil
	}
	mediaType, _, err := mime.ParseMediaType(declared)
	if err != nil {
		return "", unsupportedType.problem("The Content-Type header is not a media type.")
	}
	return mediaType, nil
}

// fields are the fields of a JSON object, taken out one by one. It collects all of
// their errors.
type fields struct {
	left     map[string]json.RawMessage // those not yet taken
	problems []fieldError
}

// readFields reads the JSON body of a request, which has at most limit bytes. The content
// type must be application/json, because browsers send it cross-site only after a
// preflight.
func readFields(r *http.Request, limit int64) (*fields, error) {
	mediaType, err := contentType(r)
	if err != nil {
		return nil, err
	}
	if mediaType != "application/json" {
		return nil, unsupportedType.problem("The body must be application/json.")
	}
	body, err := readBody(r, limit)
	if err != nil {
		return nil, err
	}
	var f fields
	var syntax *json.SyntaxError
	err = json.Unmarshal(body, &f.left)
	switch {
	case errors.As(err, &syntax):
		return nil, malformedJSON.problem("The JSON is wrong near byte %d.", syntax.Offset)
	case err != nil || f.left == nil:
		return nil, malformedJSON.problem("The body is JSON, but not an object.")
	}
	return &f, nil
}

// optional stores a field in into, and reports whether it did. A missing field is no
// error.
func (f *fields) optional(name string, into any, want string) bool {
	raw, ok := f.left[name]
	delete(f.left, name)
	if !ok {
		return false
	}
	if string(raw) == "null" || json.Unmarshal(raw, into) != nil {
		f.refuse(name, name+" must be "+want+".")
		return false
	}
	return true
}

// required is optional for a field that must not be missing.
func (f *fields) required(name string, into any, want string) bool {
	if _, ok := f.left[name]; !ok {
		f.refuse(name, name+" is missing.")
		return false
	}
	return f.optional(name, into, want)
}

// refuse records an error of a field.
func (f *fields) refuse(name, detail string) { f.reject(name, "", detail) }

// reject is refuse for a field that describes a file that would be rejected.
func (f *fields) reject(name string, code media.Code, detail string) {
	name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name) // RFC 6901 §3
	f.problems = append(f.problems, fieldError{Pointer: "#/" + url.PathEscape(name), Detail: detail, Code: code})
}

// err returns all errors of the fields as one problem, or nil. A field that was not
// taken out is an error too: a misspelt option must not be ignored.
func (f *fields) err() error {
	for _, name := range slices.Sorted(maps.Keys(f.left)) {
		f.refuse(name, "A field of this name is not known.")
	}
	if len(f.problems) == 0 {
		return nil
	}
	details := make([]string, len(f.problems))
	for i, problem := range f.problems {
		details[i] = problem.Detail
	}
	p := invalidRequest.problem("%s", strings.Join(details, " "))
	p.fields = f.problems
	return p
}
