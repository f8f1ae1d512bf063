// Package invoke answers as Lambda does to asynchronous invocations, so that the
// operator's command reaches the local worker with the client that it uses on AWS.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
package invoke

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// maxPayload is the most that Lambda takes for an asynchronous invocation, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxPayload = 1 << 20

// Config says what can be invoked, and by whom. Every field is needed.
type Config struct {
	Function string // its name
	Region   string
	// Credentials are those that requests must be signed with. The endpoint is on the
	// loopback interface, where any program and any page of a browser can send to.
	Credentials aws.Credentials
	Invoke      func(event json.RawMessage) (requestID string)
}

// Handler returns the endpoint.
func Handler(config Config) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", config.serve)
	return mux
}

func (c Config) serve(w http.ResponseWriter, r *http.Request) {
	event, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	switch {
	case err != nil:
		return // the client is gone
	case len(event) > maxPayload:
		fail(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", "the payload has more than 1 MB")
	case !c.signed(r, event):
		fail(w, http.StatusForbidden, "InvalidSignatureException", "the request is not signed with the operator's keys")
	case r.PathValue("name") != c.Function:
		fail(w, http.StatusNotFound, "ResourceNotFoundException", "function not found: "+r.PathValue("name"))
	case r.Header.Get("X-Amz-Invocation-Type") != "Event":
		fail(w, http.StatusBadRequest, "InvalidParameterValueException", "only the invocation type Event is supported")
	case !json.Valid(event):
		fail(w, http.StatusBadRequest, "InvalidRequestContentException", "the payload is not JSON")
	default:
		w.Header().Set("X-Amzn-Requestid", c.Invoke(event))
		w.WriteHeader(http.StatusAccepted)
	}
}

// signed reports whether a request has the signature that the credentials give it.
func (c Config) signed(r *http.Request, payload []byte) bool {
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
	if err := v4.NewSigner().SignHTTP(r.Context(), c.Credentials, again, hash, "lambda", c.Region, at); err != nil {
		return false
	}
	return hmac.Equal([]byte(got), []byte(again.Header.Get("Authorization")))
}

// fail answers as Lambda does, with a document that its clients understand.
func fail(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"Type": "User", "Message": message}) // the client is gone
}
