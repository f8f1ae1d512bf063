package client

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RejectedError is the error of a file that can't become an image. The same file would be
// rejected again.
type RejectedError struct {
	Rejection
	// Manifest is that of the upload. It is the zero value if the service rejected the file
	// before it was sent, by its type or size.
	Manifest Manifest
}

func (e *RejectedError) Error() string { return "rejected as " + e.Code + ": " + e.Detail }

// FailedError is the error of a file that the service could not process, which is not the
// file's fault. The service keeps the file, and may be told by its operator to try again.
type FailedError struct {
	Detail   string // a sentence for the person who uploaded the file; may be empty
	Manifest Manifest
}

func (e *FailedError) Error() string {
	if e.Detail == "" {
		return "the service could not process the file"
	}
	return "the service could not process the file: " + e.Detail
}

// Error is an answer that refuses a request.
type Error struct {
	// Code is that of the service's problem, such as upload-exists, or http- and the HTTP
	// status where the answer has none, as from the storage. api/README.md lists the codes.
	Code      string
	Detail    string // for the service's problems: a sentence for people
	Status    int    // of HTTP
	RequestID string // of the request in the service's log; empty for the storage
	// Temporary says that the same request may succeed later. It has been repeated already.
	Temporary bool
	// RetryAfter is how long the answer asks to wait before the next request; 0 if it does not
	// say. Up to a minute is waited for, and a longer time is left to the caller.
	RetryAfter time.Duration
	Fields     []FieldError

	storageCode string // of S3's error document
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Pointer string `json:"pointer"` // a JSON pointer, such as #/bytes
	Detail  string `json:"detail"`
	Code    string `json:"code,omitempty"` // of the rejection that the file would get, if the fault is the file's
}

func (e *Error) Error() string {
	text := "refused as " + e.Code
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.RetryAfter > longestPause {
		text += " (try again in " + e.RetryAfter.Round(time.Second).String() + ")"
	}
	return text
}

// refusal returns the error of an answer of the service.
func refusal(response *http.Response, body []byte) *Error {
	e := newError(response)
	e.RequestID = response.Header.Get("X-Request-Id")
	if mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); mediaType != "application/problem+json" {
		if location := response.Header.Get("Location"); location != "" {
			e.Detail = "the endpoint redirects to " + location
		}
		return e
	}
	var problem struct {
		Type, Title, Detail string
		Errors              []FieldError
	}
	if json.Unmarshal(body, &problem) == nil {
		if code, ok := strings.CutPrefix(problem.Type, "urn:presize:problem:"); ok {
			e.Code = code
		}
		e.Detail, e.Fields = problem.Detail, problem.Errors
		if e.Detail == "" {
			e.Detail = problem.Title
		}
	}
	return e
}

// storageRefusal returns the error of an answer of the storage.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func storageRefusal(response *http.Response, body []byte) *Error {
	e := newError(response)
	var document struct{ Code, Message string }
	if xml.Unmarshal(body, &document) == nil {
		e.storageCode = document.Code
		e.Detail = fmt.Sprintf("the storage says %s: %s", document.Code, document.Message)
	}
	// S3 asks to repeat a conditional write that met another one, and a body that stalled.
	e.Temporary = e.Temporary || e.Status == http.StatusConflict || e.storageCode == "RequestTimeout"
	return e
}

func newError(response *http.Response) *Error {
	return &Error{
		Code:       "http-" + strconv.Itoa(response.StatusCode),
		Status:     response.StatusCode,
		Temporary:  response.StatusCode == http.StatusTooManyRequests || response.StatusCode >= 500,
		RetryAfter: parseRetryAfter(response.Header.Get("Retry-After")),
	}
}

// parseRetryAfter reads the header: seconds, or a date (RFC 9110 §10.2.3). More seconds than
// fit in 31 bits are as many as do.
func parseRetryAfter(value string) time.Duration {
	seconds, err := strconv.ParseUint(value, 10, 31)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// isDamaged reports whether an answer of the storage means that the bytes that arrived are not
// those that were announced. Most often the file was changed in between.
func (e *Error) isDamaged() bool {
	switch e.storageCode {
	case "BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "InvalidDigest", "IncompleteBody":
		return true
	}
	return false
}

// spent reports whether an answer of the storage means that a grant can't be used any more: it
// has expired, or the credentials that signed it have.
func (e *Error) spent() bool {
	return e.Status == http.StatusForbidden || e.storageCode == "ExpiredToken"
}
