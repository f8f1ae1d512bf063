package sqs_test

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/deploy/local/sqs"
	"github.com/presize/presize/internal/workqueue"
)

// endpoint is a running endpoint of two queues.
type endpoint struct {
	url        string
	work, dead *queue.Queue
}

func start(t *testing.T) endpoint {
	t.Helper()
	open := func(name string, letters *queue.Queue) *queue.Queue {
		q, err := queue.Open(queue.Config{
			Name: name, Dir: filepath.Join(t.TempDir(), name), Visibility: 1 << 40, MaxReceives: 1, DeadLetters: letters,
			Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	dead := open("dead", nil)
	work := open("work", dead)
	server := httptest.NewServer(sqs.Handler(sqs.Config{
		Queues: []*queue.Queue{work, dead}, Region: "us-east-1",
		Credentials: aws.Credentials{AccessKeyID: "operator", SecretAccessKey: "secret"},
	}))
	t.Cleanup(server.Close)
	return endpoint{server.URL, work, dead}
}

func (e endpoint) client(access, secret string, transport http.RoundTripper) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-east-1", BaseEndpoint: &e.url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, ""),
		HTTPClient:  &http.Client{Transport: transport},
	})
}

func (e endpoint) operator() *awssqs.Client {
	return e.client("operator", "secret", http.DefaultTransport)
}

func TestMessagesAreSentReceivedAndDeleted(t *testing.T) {
	e := start(t)
	client, ctx := e.operator(), t.Context()
	found, err := client.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("work")})
	if err != nil || aws.ToString(found.QueueUrl) != sqs.URL(e.url, "work") {
		t.Fatalf("URL %+v, %v", found, err)
	}
	url := found.QueueUrl
	for _, body := range []string{`{"a":"ä"}`, "b"} {
		if _, err := client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String("c"), DelaySeconds: 900}); err != nil {
		t.Fatal(err)
	}
	received, err := client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: 20,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	})
	if err != nil || len(received.Messages) != 2 {
		t.Fatalf("received %+v, %v", received, err)
	}
	first := received.Messages[0]
	if aws.ToString(first.Body) != `{"a":"ä"}` || first.Attributes["ApproximateReceiveCount"] != "1" || first.Attributes["SentTimestamp"] == "" {
		t.Errorf("received %+v", first)
	}
	if _, err := client.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: first.ReceiptHandle}); err != nil {
		t.Error(err)
	}
	if _, err := client.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: received.Messages[1].ReceiptHandle}); err != nil {
		t.Error(err)
	}
	attributes, err := client.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || attributes.Attributes["ApproximateNumberOfMessages"] != "1" || attributes.Attributes["ApproximateNumberOfMessagesNotVisible"] != "1" {
		t.Errorf("attributes %+v, %v", attributes, err)
	}
}

func TestMoveTaskMovesDeadLetters(t *testing.T) {
	e := start(t)
	client, ctx := e.operator(), t.Context()
	for range 30 {
		if err := e.dead.Send(ctx, "a", 0); err != nil {
			t.Fatal(err)
		}
	}
	arn := aws.String(e.dead.ARN())
	move := func(perSecond int32) *string {
		task, err := client.StartMessageMoveTask(ctx, &awssqs.StartMessageMoveTaskInput{SourceArn: arn, MaxNumberOfMessagesPerSecond: &perSecond})
		if err != nil {
			t.Fatal(err)
		}
		return task.TaskHandle
	}
	handle := move(1)
	var refused *types.ResourceNotFoundException
	if _, err := client.StartMessageMoveTask(ctx, &awssqs.StartMessageMoveTaskInput{SourceArn: arn}); err == nil {
		t.Error("two tasks at once")
	}
	if _, err := client.StartMessageMoveTask(ctx, &awssqs.StartMessageMoveTaskInput{SourceArn: aws.String(e.work.ARN())}); !errors.As(err, &refused) {
		t.Errorf("from a queue that is none of dead letters: %v", err)
	}
	cancelled, err := client.CancelMessageMoveTask(ctx, &awssqs.CancelMessageMoveTaskInput{TaskHandle: handle})
	if err != nil {
		t.Fatal(err)
	}
	moved, _ := e.work.Count()
	left, _ := e.dead.Count()
	if int64(moved) != cancelled.ApproximateNumberOfMessagesMoved || moved+left != 30 {
		t.Errorf("%d moved and %d left, said %d", moved, left, cancelled.ApproximateNumberOfMessagesMoved)
	}
	move(500)
	for {
		tasks, err := client.ListMessageMoveTasks(ctx, &awssqs.ListMessageMoveTasksInput{SourceArn: arn, MaxResults: aws.Int32(10)})
		if err != nil {
			t.Fatal(err)
		}
		last := tasks.Results[0]
		if len(tasks.Results) != 2 || aws.ToString(tasks.Results[1].Status) != "CANCELLED" || aws.ToInt64(last.ApproximateNumberOfMessagesToMove) != int64(left) {
			t.Fatalf("tasks %+v", tasks.Results)
		}
		if aws.ToString(last.Status) == "COMPLETED" {
			break
		}
	}
	if moved, _ := e.work.Count(); moved != 30 {
		t.Errorf("%d messages are in the queue", moved)
	}
}

func TestOnlyTheOperatorIsAnswered(t *testing.T) {
	e := start(t)
	for name, test := range map[string]struct {
		access, secret, queue, body string
		transport                   http.RoundTripper
		code                        string
	}{
		"good":          {"operator", "secret", "work", "a", http.DefaultTransport, ""},
		"other secret":  {"operator", "Secret", "work", "a", http.DefaultTransport, "InvalidSignature"},
		"other account": {"worker", "secret", "work", "a", http.DefaultTransport, "InvalidSignature"},
		"other bytes":   {"operator", "secret", "work", "a", otherBody{}, "InvalidSignature"},
		"no queue":      {"operator", "secret", "wor", "a", http.DefaultTransport, "QueueDoesNotExist"},
		"no body":       {"operator", "secret", "work", "", http.DefaultTransport, "InvalidParameterValue"},
		"too much":      {"operator", "secret", "work", strings.Repeat("x", 2<<20), http.DefaultTransport, "InvalidMessageContents"},
	} {
		t.Run(name, func(t *testing.T) {
			client := e.client(test.access, test.secret, test.transport)
			_, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: aws.String(sqs.URL(e.url, test.queue)), MessageBody: &test.body})
			var answered smithy.APIError
			code := ""
			if errors.As(err, &answered) {
				code = answered.ErrorCode()
			}
			if (err == nil) != (test.code == "") || !strings.Contains(code, test.code) {
				t.Errorf("answered %q, %v; want %q", code, err, test.code)
			}
		})
	}
	response, err := http.Post(e.url, "application/x-amz-json-1.0", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %s", response.Status)
	}
	var bodies []string
	for _, m := range e.work.All() {
		bodies = append(bodies, m.Body)
	}
	if !slices.Equal(bodies, []string{"a"}) {
		t.Errorf("sent %q", bodies)
	}
	var unknown *awshttp.ResponseError
	if _, err := e.operator().ListQueues(t.Context(), &awssqs.ListQueuesInput{}); !errors.As(err, &unknown) || unknown.HTTPStatusCode() != http.StatusBadRequest {
		t.Errorf("an operation that it does not know: %v", err)
	}
}

// otherBody sends requests with other bytes of the same length than were signed.
type otherBody struct{}

func (otherBody) RoundTrip(r *http.Request) (*http.Response, error) {
	other := r.Clone(r.Context())
	other.Body = io.NopCloser(strings.NewReader(strings.Repeat("1", int(r.ContentLength))))
	return http.DefaultTransport.RoundTrip(other)
}

func TestWorkerPutsItsMessagesOff(t *testing.T) {
	e := start(t)
	worker := workqueue.SQS{Client: e.operator(), URL: sqs.URL(e.url, "work")}
	if err := worker.Send(t.Context(), "later", 15*time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := worker.Send(t.Context(), "now", 0); err != nil {
		t.Fatal(err)
	}
	m, err := e.work.Receive(t.Context())
	if err != nil || m.Body != "now" {
		t.Fatalf("received %+v, %v", m, err)
	}
	if err := worker.ChangeVisibility(t.Context(), m.Receipt, 12*time.Hour); err != nil {
		t.Error(err)
	}
	var waits []time.Duration
	for _, m := range e.work.All() {
		waits = append(waits, time.Until(m.Visible).Round(time.Minute))
	}
	slices.Sort(waits)
	if !slices.Equal(waits, []time.Duration{15 * time.Minute, 12 * time.Hour}) {
		t.Errorf("they wait %v", waits)
	}
	if err := worker.ChangeVisibility(t.Context(), "stale", 0); err == nil {
		t.Error("a receipt that is not valid")
	}
}
