package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/deploy/local/s3test"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/pack"
	"github.com/presize/presize/internal/phototest"
)

// function is a bootstrap that runs as on Lambda, and the server side of the
// Runtime API that it asks for work.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type function struct {
	name    string
	t       *testing.T
	events  chan json.RawMessage
	results chan result
}

type result struct {
	kind string // the last part of the path that the answer was posted to: response or error
	body []byte
}

// start unpacks a function's archive and runs its bootstrap with nothing but the
// environment that Lambda gives it, the layer's library among it.
func start(t *testing.T, name, layer string, env []string) *function {
	t.Helper()
	f := &function{name: name, t: t, events: make(chan json.RawMessage), results: make(chan result, 1)}
	api := httptest.NewServer(f)
	t.Cleanup(api.Close)

	root := unpack(t, name+".zip")
	cmd := exec.Command(filepath.Join(root, "bootstrap"))
	cmd.Dir = root
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"),
		"AWS_LAMBDA_FUNCTION_NAME=" + name,
		"LAMBDA_TASK_ROOT=" + root,
		"LD_LIBRARY_PATH=" + filepath.Join(layer, "lib"),
		"_HANDLER=bootstrap",
		"TZ=:UTC",
	}, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s wrote:\n%s", name, log.Bytes())
		}
	})
	return f
}

// ServeHTTP answers as the Runtime API.
func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"), "/")
	if r.Method == http.MethodGet && strings.Join(parts, "/") == "invocation/next" {
		select {
		case event := <-f.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(2*time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+f.name)
			w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
			_, _ = w.Write(event)
		case <-r.Context().Done():
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	f.results <- result{kind: parts[len(parts)-1], body: body}
	w.WriteHeader(http.StatusAccepted)
}

// invoke gives the function an event and returns its response.
func (f *function) invoke(event any) []byte {
	f.t.Helper()
	document, err := json.Marshal(event)
	if err != nil {
		f.t.Fatal(err)
	}
	patience := time.After(2 * time.Minute)
	select {
	case f.events <- document:
	case r := <-f.results:
		f.t.Fatalf("%s: before any event: %s: %s", f.name, r.kind, r.body)
	case <-patience:
		f.t.Fatalf("%s does not ask for an event", f.name)
	}
	select {
	case r := <-f.results:
		if r.kind != "response" {
			f.t.Fatalf("%s: %s: %s", f.name, r.kind, r.body)
		}
		return r.body
	case <-patience:
		f.t.Fatalf("%s does not answer", f.name)
	}
	return nil
}

// request invokes the function as an HTTP API of API Gateway does.
func (f *function) request(method, path, body string) events.APIGatewayV2HTTPResponse {
	f.t.Helper()
	request := events.APIGatewayV2HTTPRequest{
		Version:  "2.0",
		RouteKey: "ANY /api/{proxy+}",
		RawPath:  path,
		Headers:  map[string]string{"content-type": "application/json", "host": "example.execute-api.us-east-1.amazonaws.com"},
		Body:     body,
	}
	request.RequestContext.RequestID = "JKJaXmPLvHcESHA="
	request.RequestContext.HTTP.Method = method
	request.RequestContext.HTTP.Path = path
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(f.invoke(request), &response); err != nil {
		f.t.Fatal(err)
	}
	return response
}

// unpack writes an archive's files into a new folder, as Lambda does.
func unpack(t *testing.T, archive string) string {
	t.Helper()
	files, err := pack.Read(filepath.Join(packages, archive))
	if err != nil {
		t.Fatalf("%v: has make made it?", err)
	}
	root := t.TempDir()
	for _, file := range files {
		path := filepath.Join(root, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, file.Mode); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// packages is where make puts what this machine can run. It is absolute because
// the S3 server of the test changes the working directory.
var packages, _ = filepath.Abs("../../build/package/" + runtime.GOARCH)

func TestPackagedFunctionsServeAnUpload(t *testing.T) {
	created := make(chan events.S3Event, 1)
	env := s3test.Start(t, func(event events.S3Event) {
		if strings.HasPrefix(event.Records[0].S3.Object.Key, media.OriginalPrefix) {
			created <- event
		}
	})
	credentials, err := env.Server.Client(s3test.Owner).Options().Credentials.Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey,
		"AWS_ENDPOINT_URL_S3=" + env.Server.URL(),
		"PRESIZE_INPUT_BUCKET=" + s3test.Input,
		"PRESIZE_OUTPUT_BUCKET=" + s3test.Output,
	}
	layer := unpack(t, "libvips.zip")
	api := start(t, "api", layer, environment)
	worker := start(t, "worker", layer, append(environment,
		"VIPS_BLOCK_UNTRUSTED=1", "VIPS_WARNING=1", "MALLOC_ARENA_MAX=2"))

	photo := phototest.Read(t, "test_exif_full.jpg") // 4032 x 3024, orientation 6
	granted := api.request("POST", "/api/v1/uploads", fmt.Sprintf(`{"contentType":"image/jpeg","bytes":%d}`, len(photo)))
	if granted.StatusCode != http.StatusCreated {
		t.Fatalf("no grant: %d %s", granted.StatusCode, granted.Body)
	}
	var grant struct {
		ID     media.ID
		Upload struct {
			Method, URL string
			Headers     map[string]string
		}
	}
	if err := json.Unmarshal([]byte(granted.Body), &grant); err != nil {
		t.Fatal(err)
	}
	put, err := http.NewRequest(grant.Upload.Method, grant.Upload.URL, bytes.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range grant.Upload.Headers {
		put.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(put)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the grant is refused: %s", answer.Status)
	}

	worker.invoke(<-created)

	status := api.request("GET", media.StatusURL(grant.ID), "")
	manifest, err := media.ParseManifest([]byte(status.Body))
	if err != nil {
		t.Fatalf("%v: %d %s", err, status.StatusCode, status.Body)
	}
	if manifest.Status != media.Ready || !manifest.Complete || len(manifest.Variants) != 12 {
		t.Errorf("got %s", status.Body)
	}
	for _, v := range manifest.Variants {
		encoded, info, err := env.Output.Get(context.Background(), strings.TrimPrefix(v.URL, "/"), 10<<20)
		if err != nil {
			t.Fatal(err)
		}
		if sniffed, _ := media.Sniff(encoded); sniffed != v.ContentType || info.ContentType != string(v.ContentType) {
			t.Errorf("%s is %s, served as %s", v.URL, sniffed, info.ContentType)
		}
		if v.ContentType != media.JPEG {
			continue
		}
		shape, err := jpeg.DecodeConfig(bytes.NewReader(encoded))
		if err != nil || shape.Width != v.Width || shape.Height != v.Height || shape.Height <= shape.Width {
			t.Errorf("%s: %v, %d x %d", v.URL, err, shape.Width, shape.Height)
		}
	}
}
