package invoke_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/presize/presize/deploy/local/invoke"
)

func TestOnlySignedEventsForTheFunctionAreInvoked(t *testing.T) {
	var invoked []string
	server := httptest.NewServer(invoke.Handler(invoke.Config{
		Function:    "worker",
		Region:      "us-east-1",
		Credentials: aws.Credentials{AccessKeyID: "operator", SecretAccessKey: "secret"},
		Invoke: func(event json.RawMessage) string {
			invoked = append(invoked, string(event))
			return "id-1"
		},
	}))
	t.Cleanup(server.Close)
	for name, test := range map[string]struct {
		access, secret, function, payload string
		kind                              types.InvocationType
		status                            int
	}{
		"good":              {"operator", "secret", "worker", `{"a":"good"}`, types.InvocationTypeEvent, http.StatusAccepted},
		"other secret":      {"operator", "Secret", "worker", `{}`, types.InvocationTypeEvent, http.StatusForbidden},
		"other account":     {"worker", "secret", "worker", `{}`, types.InvocationTypeEvent, http.StatusForbidden},
		"other function":    {"operator", "secret", "api", `{}`, types.InvocationTypeEvent, http.StatusNotFound},
		"waits for answer":  {"operator", "secret", "worker", `{}`, types.InvocationTypeRequestResponse, http.StatusBadRequest},
		"no JSON":           {"operator", "secret", "worker", `{`, types.InvocationTypeEvent, http.StatusBadRequest},
		"too much":          {"operator", "secret", "worker", `"` + strings.Repeat("x", 1<<20) + `"`, types.InvocationTypeEvent, http.StatusRequestEntityTooLarge},
		"name to be quoted": {"operator", "secret", "work%er", `{}`, types.InvocationTypeEvent, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			client := lambda.New(lambda.Options{
				Region:       "us-east-1",
				BaseEndpoint: &server.URL,
				Credentials:  credentials.NewStaticCredentialsProvider(test.access, test.secret, ""),
				Retryer:      aws.NopRetryer{},
			})
			out, err := client.Invoke(t.Context(), &lambda.InvokeInput{
				FunctionName: &test.function, InvocationType: test.kind, Payload: []byte(test.payload),
			})
			var response *awshttp.ResponseError
			status := 0
			if errors.As(err, &response) {
				status = response.HTTPStatusCode()
			} else if err == nil {
				status = int(out.StatusCode)
			}
			if status != test.status {
				t.Errorf("status %d, %v, want %d", status, err, test.status)
			}
		})
	}
	forged := lambda.New(lambda.Options{
		Region:       "us-east-1",
		BaseEndpoint: &server.URL,
		Credentials:  credentials.NewStaticCredentialsProvider("operator", "secret", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: otherBody{}},
	})
	var refused *awshttp.ResponseError
	_, err := forged.Invoke(t.Context(), &lambda.InvokeInput{
		FunctionName: aws.String("worker"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"a":"mine"}`),
	})
	if !errors.As(err, &refused) || refused.HTTPStatusCode() != http.StatusForbidden {
		t.Errorf("a payload that was not signed: %v", err)
	}
	response, err := http.Post(server.URL+"/2015-03-31/functions/worker/invocations", "application/json", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %s", response.Status)
	}
	if !slices.Equal(invoked, []string{`{"a":"good"}`}) {
		t.Errorf("invoked %q", invoked)
	}
}

// otherBody sends requests with other bytes of the same length than were signed.
type otherBody struct{}

func (otherBody) RoundTrip(r *http.Request) (*http.Response, error) {
	other := r.Clone(r.Context())
	other.Body = io.NopCloser(strings.NewReader(strings.Repeat("1", int(r.ContentLength))))
	return http.DefaultTransport.RoundTrip(other)
}
