package template_test

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/api"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/eventbus/eventbustest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker"
	"github.com/presize/presize/worker/renderer/renderertest"
)

// call is one call of an operation of S3, or one that a presigned URL permits.
type call struct{ bucket, operation, key string }

// side returns input or output.
func (c call) side() string { return strings.TrimPrefix(c.bucket, "presize-") }

// name returns the name that the bucket has in the stack of the tests.
func (c call) name() string {
	return map[string]string{s3test.Input: deployment.InputBucket, s3test.Output: deployment.OutputBucket}[c.bucket]
}

// recorder notes the calls of a client.
type recorder struct {
	mu    sync.Mutex
	calls []call
}

// client returns a client that may do everything.
func (r *recorder) client(server *s3local.Server) *s3.Client {
	return s3.New(server.Client(s3test.Owner).Options(), func(o *s3.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("record", r.record), middleware.After)
		})
	})
}

func (r *recorder) record(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	input := reflect.ValueOf(in.Parameters).Elem()
	seen := call{bucket: input.FieldByName("Bucket").Elem().String(), operation: awsmiddleware.GetOperationName(ctx)}
	if key := input.FieldByName("Key"); key.IsValid() {
		seen.key = key.Elem().String()
	}
	r.mu.Lock()
	r.calls = append(r.calls, seen)
	r.mu.Unlock()
	return next.HandleInitialize(ctx, in)
}

// useEverything makes both functions call every service that they use, and returns the
// calls of each.
func useEverything(t *testing.T) map[string][]call {
	t.Helper()
	env := s3test.Start(t, nil)
	presets, err := media.ParsePresets(fstest.MapFS{"presets.json": {Data: []byte(`[{"name":"photo","fit":"inside","sizes":[{"width":16}],"background":"#ffffff",
		"encoders":[{"format":"image/avif","quality":50,"speed":9},{"format":"image/jpeg","quality":80}]},
		{"name":"hidden","private":true,"fit":"inside","sizes":[{"width":16}],"background":"#ffffff","encoders":[{"format":"image/jpeg","quality":80}]}]`)}})
	if err != nil {
		t.Fatal(err)
	}
	var byAPI, byWorker recorder
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	client := byAPI.client(env.Server)
	u := user{t, api.New(api.Config{
		Input:    bucket.New(client, s3test.Input),
		Output:   bucket.New(client, s3test.Output),
		Presets:  presets,
		Limits:   media.DefaultLimits(),
		GrantTTL: time.Minute,
		Held:     1,
		Log:      log,
	})}
	client = byWorker.client(env.Server)
	w := worker.New(worker.Config{
		Input:    bucket.New(client, s3test.Input),
		Output:   bucket.New(client, s3test.Output),
		Presets:  presets,
		Limits:   media.DefaultLimits(),
		Renderer: renderertest.Start(t),
		Notifier: eventbustest.Start(t).EventBridge(nil),
		Log:      log,
	})
	work := func(event string, id media.ID) {
		t.Helper()
		document, err := json.Marshal(s3local.NewEvent(event, s3test.Input, media.OriginalKey(id), 1, ""))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Handle(context.Background(), document); err != nil {
			t.Fatal(err)
		}
	}
	var drawing bytes.Buffer
	if err := png.Encode(&drawing, image.NewNRGBA(image.Rect(0, 0, 32, 32))); err != nil {
		t.Fatal(err)
	}
	granted := u.request("POST", "/api/v1/uploads", "", `{"contentType":"image/png","bytes":10}`, http.StatusCreated)
	u.request("POST", "/api/v1/uploads", "", `{"contentType":"image/png","bytes":10,"secret":"`+granted.Secret+`"}`, http.StatusCreated)
	good := u.request("POST", "/api/v1/images", "", drawing.String(), http.StatusAccepted)
	bad := u.request("POST", "/api/v1/images", "", drawing.String()[:40], http.StatusAccepted)
	hidden := u.request("POST", "/api/v1/images?preset=hidden", "", drawing.String(), http.StatusAccepted)
	u.request("GET", media.StatusURL(granted.ID), granted.Secret, "", http.StatusNotFound)
	for _, upload := range []upload{good, bad, hidden} {
		work("ObjectCreated:Put", upload.ID)
		work("ObjectCreated:Put", upload.ID)
		u.request("GET", media.StatusURL(upload.ID), upload.Secret, "", http.StatusOK)
		u.request("DELETE", media.StatusURL(upload.ID), upload.Secret, "", http.StatusAccepted)
		work("ObjectRemoved:Delete", upload.ID)
	}
	for message, receives := range map[string]int{"first": 2, "second": 3} {
		failAgain(t, w, message, receives)
	}
	return map[string][]call{"api": byAPI.calls, "worker": byWorker.calls}
}

// failAgain makes a worker fail at a message that it gets again, of a bucket that is not its own.
func failAgain(t *testing.T, w *worker.Worker, message string, receives int) {
	t.Helper()
	body, err := json.Marshal(s3local.NewEvent("ObjectCreated:Put", "other", media.OriginalKey(media.NewID()), 1, ""))
	if err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{{
		MessageId: message, Body: string(body), EventSource: "aws:sqs",
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.Handle(t.Context(), event)
	if response, ok := answer.(events.SQSEventResponse); err != nil || !ok || len(response.BatchItemFailures) != 1 {
		t.Fatalf("answered %v, %v", answer, err)
	}
}

// user is a client of the API.
type user struct {
	t   *testing.T
	api http.Handler
}

// upload is what the API says of one.
type upload struct {
	ID     media.ID
	Secret string
}

// request sends a request that must be answered with status, and returns the upload in
// the answer, if there is one.
func (u user) request(method, url, secret, body string, status int) (answer upload) {
	u.t.Helper()
	request := httptest.NewRequest(method, url, strings.NewReader(body))
	request.Header.Set("Upload-Secret", secret)
	request.Header.Set("Content-Type", "image/png")
	if strings.HasPrefix(body, "{") {
		request.Header.Set("Content-Type", "application/json")
	}
	response := httptest.NewRecorder()
	u.api.ServeHTTP(response, request)
	_ = json.Unmarshal(response.Body.Bytes(), &answer) // not every answer is JSON
	if response.Code != status {
		u.t.Fatalf("%s %s: %d %s", method, url, response.Code, response.Body)
	}
	return answer
}

// neededByLambda returns what Lambda does in a function's name, beside the function's
// own code: it writes the log, sends traces and receives the messages of a queue.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func neededByLambda(t *testing.T, function string) []string {
	t.Helper()
	needed := []string{"logs:CreateLogStream", "logs:PutLogEvents"}
	targets := find(readYAML(t, "deploy/template/trigger.yml"), "FunctionName")
	for _, target := range append(targets, find(readYAML(t, "deploy/template/events.yml"), "FunctionName")...) {
		if target.Value == function+"Alias" {
			needed = append(needed, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
		}
	}
	if find(readYAML(t, "deploy/template/observability.yml"), "TracingConfig") != nil {
		needed = append(needed, "xray:PutTraceSegments", "xray:PutTelemetryRecords")
	}
	return needed
}

// otherActions returns the actions that a role allows elsewhere than in S3.
func otherActions(t *testing.T, role string) (actions []string) {
	t.Helper()
	for _, list := range find(find(readYAML(t, "deploy/template/roles.yml"), role)[0], "Action") {
		var action string
		all := []string{}
		if list.Decode(&action) == nil {
			all = append(all, action)
		} else if err := list.Decode(&all); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, all...)
	}
	return slices.DeleteFunc(actions, func(action string) bool {
		return strings.HasPrefix(action, "s3:") || action == "sts:AssumeRole" // who may have the role
	})
}

func readYAML(t *testing.T, file string) *yaml.Node {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	return &document
}

// find returns the values of every member of that name, in any depth.
func find(node *yaml.Node, name string) (values []*yaml.Node) {
	if node.Alias != nil {
		node = node.Alias
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].Value == name {
			values = append(values, child)
		}
		values = append(values, find(child, name)...)
	}
	return values
}
