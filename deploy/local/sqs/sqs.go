// Package sqs answers as SQS does, for the queues of the local stack: so the operator's
// command reaches them with the client that it uses on AWS. It knows the operations that
// this command calls, in the protocol of that client, AWS JSON 1.0.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html
package sqs

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/presize/presize/deploy/local/queue"
)

// maxRequest is the most that a request can have, in bytes: a message of 1 MiB, escaped.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxRequest = 2 << 20

// Config says what can be reached, and by whom. Every field is needed.
type Config struct {
	Queues []*queue.Queue
	Region string
	// Credentials are those that requests must be signed with. The endpoint is on the
	// loopback interface, where any program and any page of a browser can send to.
	Credentials aws.Credentials
}

// endpoint is the handler.
type endpoint struct {
	Config
	mu    sync.Mutex
	moves []*queue.Move // the latest one last
}

// Handler returns the endpoint. The path of a queue's URL is its name.
func Handler(config Config) http.Handler { return &endpoint{Config: config} }

// URL returns the URL of a queue of an endpoint.
func URL(endpoint, name string) string { return endpoint + "/" + name }

// fault is an error as SQS answers it.
type fault struct {
	status        int
	kind, message string
}

func (f *fault) Error() string { return f.message }

func invalid(format string, args ...any) error {
	return &fault{http.StatusBadRequest, "InvalidParameterValue", fmt.Sprintf(format, args...)}
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return // the client is gone
	}
	answer, err := e.answer(r, body)
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if err == nil {
		_ = json.NewEncoder(w).Encode(answer) // the client is gone
		return
	}
	var f *fault
	switch {
	case errors.As(err, &f):
	case errors.Is(err, queue.ErrReceipt):
		f = &fault{http.StatusBadRequest, "ReceiptHandleIsInvalid", err.Error()}
	default:
		f = &fault{http.StatusInternalServerError, "InternalError", err.Error()}
	}
	w.WriteHeader(f.status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + f.kind, "message": f.message})
}

func (e *endpoint) answer(r *http.Request, body []byte) (any, error) {
	if len(body) > maxRequest {
		return nil, &fault{http.StatusRequestEntityTooLarge, "InvalidMessageContents", "the request is too long"}
	}
	if !e.signed(r, body) {
		return nil, &fault{http.StatusForbidden, "InvalidSignature", "the request is not signed with the operator's keys"}
	}
	var request request
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, invalid("the request can't be read: %v", err)
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
	operation, known := operations()[name]
	if r.Method != http.MethodPost || !ok || !known {
		return nil, &fault{http.StatusBadRequest, "UnsupportedOperation", "the local stack does not know " + name}
	}
	return operation(e, r, request)
}

// signed reports whether a request has the signature that the credentials give it.
func (e *endpoint) signed(r *http.Request, payload []byte) bool {
	got := r.Header.Get("Authorization")
	_, rest, _ := strings.Cut(got, "SignedHeaders=")
	headers, _, ok := strings.Cut(rest, ",")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if !ok || err != nil {
		return false
	}
	again := r.Clone(r.Context())
	again.URL.Scheme, again.URL.Host = "http", r.Host
	again.Header = make(http.Header)
	for name := range strings.SplitSeq(headers, ";") {
		if values := r.Header.Values(name); len(values) > 0 {
			again.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(payload))
	if err := v4.NewSigner().SignHTTP(r.Context(), e.Credentials, again, hash, "sqs", e.Region, at); err != nil {
		return false
	}
	return hmac.Equal([]byte(got), []byte(again.Header.Get("Authorization")))
}
