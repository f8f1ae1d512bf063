package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/origin"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/internal/signed"
)

// uploadID is the upload that the payloads in testdata are about. The secret that it derives
// from is in delete.json.
const uploadID media.ID = "mmg42klgyqzwneiskrelxms3j4"

// requestID is the id under which API Gateway made the payloads.
const requestID = "JKJaXmPLvHcESHA="

// payloads are the documents of testdata by name. They are read before the S3
// server changes the working directory.
func payloads(t *testing.T) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no payloads: %v", err)
	}
	all := make(map[string][]byte)
	for _, name := range names {
		payload, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".json")] = payload
	}
	return all
}

// start runs the function as Lambda would, with its S3 in this process.
func start(t *testing.T) (s3test.Env, lambda.Handler) {
	t.Helper()
	storage := s3test.Start(t, nil)
	owner, err := storage.Server.Client(s3test.Owner).Options().Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{
		"AWS_REGION":            "us-east-1",
		"AWS_ACCESS_KEY_ID":     owner.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": owner.SecretAccessKey,
		"AWS_SESSION_TOKEN":     "",
		"AWS_PROFILE":           "", // nothing of the machine's own settings
		"AWS_CONFIG_FILE":       os.DevNull,
		"AWS_ENDPOINT_URL_S3":   storage.Server.URL(),
		"PRESIZE_INPUT_BUCKET":  s3test.Input,
		"PRESIZE_OUTPUT_BUCKET": s3test.Output,
		"PRESIZE_GRANT_SECONDS": "60",
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
	function, err := newFunction(t.Context(), os.LookupEnv, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return storage, function
}

// invoke gives a payload to the function.
func invoke(t *testing.T, function lambda.Handler, payload []byte) events.APIGatewayV2HTTPResponse {
	t.Helper()
	output, err := function.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(output, &response); err != nil {
		t.Fatal(err)
	}
	if response.Headers["X-Request-Id"] != requestID {
		t.Errorf("request id: got %q, want %q", response.Headers["X-Request-Id"], requestID)
	}
	if response.IsBase64Encoded || len(response.Cookies) > 0 {
		t.Errorf("got %+v", response)
	}
	return response
}

// body reads a response's body, after checking its status.
func body[T any](t *testing.T, response events.APIGatewayV2HTTPResponse, status int) (value T) {
	t.Helper()
	if response.StatusCode != status {
		t.Fatalf("status: got %d, want %d\n%s", response.StatusCode, status, response.Body)
	}
	if err := json.Unmarshal([]byte(response.Body), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSubjectOfTheTokenOwnsTheUpload(t *testing.T) {
	payloads := payloads(t)
	_, function := start(t)
	grant := body[struct {
		Upload struct{ Headers map[string]string }
	}](t, invoke(t, function, payloads["grant-signed-in"]), 201)
	metadata := map[string]string{"owner": grant.Upload.Headers["X-Amz-Meta-Owner"]}
	if got := media.ParseLabel(metadata).Owner; got != "auth0|5f7c8ec7c33c6c004bbafe82" {
		t.Errorf("owner %q", got)
	}
	var document map[string]any
	if err := json.Unmarshal(payloads["grant-signed-in"], &document); err != nil {
		t.Fatal(err)
	}
	authorizer := document["requestContext"].(map[string]any)["authorizer"].(map[string]any)
	delete(authorizer["jwt"].(map[string]any)["claims"].(map[string]any), "sub")
	payload, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	if response := invoke(t, function, payload); response.StatusCode != 403 {
		t.Errorf("without a subject: %+v", response)
	}
}

// ssmServer answers GetParameter with a value, and an error for every other name.
func ssmServer(t *testing.T, name, value string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Name           string
			WithDecryption bool
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameter" {
			t.Errorf("%s, %v", r.Header.Get("X-Amz-Target"), err)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if request.Name != name || !request.WithDecryption {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type":"ParameterNotFound"}`)
			return
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Name": name, "Value": value}}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestSignerReadsItsKeyFromSSM(t *testing.T) {
	key, err := signed.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	account := aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("access", "secret", ""),
		BaseEndpoint: aws.String(ssmServer(t, "/presize/dev/signing-key-a", string(key))),
	}
	signer, err := newSigner(t.Context(), account, signing{"https://a.example", "/presize/dev/signing-key-a", "K1"})
	if err != nil {
		t.Fatal(err)
	}
	if access, err := signer.Access(uploadID, time.Now()); err != nil || !strings.HasSuffix(access.Query, "&Key-Pair-Id=K1") {
		t.Errorf("%+v, %v", access, err)
	}
	_, err = newSigner(t.Context(), account, signing{"https://a.example", "/presize/dev/other", "K1"})
	if err == nil || !strings.Contains(err.Error(), "/presize/dev/other") {
		t.Errorf("got %v", err)
	}
	if signer, err := newSigner(t.Context(), account, signing{}); signer != nil || err != nil {
		t.Errorf("without private presets: %v, %v", signer, err)
	}
}

func TestOnlyTheCDNIsAnswered(t *testing.T) {
	payloads := payloads(t)
	secret := origin.NewSecret()
	t.Setenv("PRESIZE_ORIGIN_DIGESTS", ","+origin.Digest(secret))
	_, function := start(t)
	var document map[string]any
	if err := json.Unmarshal(payloads["grant"], &document); err != nil {
		t.Fatal(err)
	}
	headers := document["headers"].(map[string]any)
	for sent, want := range map[string]int{"": 403, origin.NewSecret(): 403, secret: 201} {
		headers[strings.ToLower(origin.Header)] = sent
		payload, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		output, err := function.Invoke(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		var response events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(output, &response); err != nil || response.StatusCode != want {
			t.Errorf("%q: %s, %v, want status %d", sent, output, err, want)
		}
	}
}

func TestBadEnvironmentIsReportedWhole(t *testing.T) {
	variables := map[string]string{"PRESIZE_MAX_BYTES": "50 MB", "PRESIZE_GRANT_SECONDS": "604801", "PRESIZE_HELD_ANSWERS": "2", "PRESIZE_ORIGIN_DIGESTS": "x"}
	lookup := func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
	_, err := newFunction(t.Context(), lookup, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatal("it starts")
	}
	for _, name := range []string{"PRESIZE_INPUT_BUCKET", "PRESIZE_OUTPUT_BUCKET", "PRESIZE_MAX_BYTES", "PRESIZE_GRANT_SECONDS", "PRESIZE_HELD_ANSWERS", "PRESIZE_ORIGIN_DIGESTS"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not reported: %v", name, err)
		}
	}
}
