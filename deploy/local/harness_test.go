package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/renderer/renderertest"
)

// childVariable makes the test binary be the program that it tests.
const childVariable = "PRESIZE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// freeSettings are settings for a stack that disturbs no other one.
func freeSettings(t *testing.T) settings {
	t.Helper()
	port := func() int {
		_, port, _ := strings.Cut(s3test.FreeAddress(t), ":")
		number, err := strconv.Atoi(port)
		if err != nil {
			t.Fatal(err)
		}
		return number
	}
	return settings{
		port: port(), s3Port: port(), data: t.TempDir(), presets: mediatest.Presets(), limits: media.DefaultLimits(),
		renderer: renderertest.Path(t),
	}
}

// patience bounds what a test waits for in all, on a machine that is busy.
const patience = 3 * time.Minute

// client talks to a running stack.
type client struct {
	t   *testing.T
	ctx context.Context // of every request
	url string
}

func newClient(t *testing.T, url string) client {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return client{t, ctx, url}
}

// startStack runs the whole stack in this process until the test ends, which must
// end it cleanly. It changes the working directory: photos are to be named before.
func startStack(t *testing.T, changes ...func(*settings)) client {
	t.Helper()
	settings := freeSettings(t)
	for _, change := range changes {
		change(&settings)
	}
	t.Chdir(t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, settings, writer, slog.New(slog.NewTextHandler(t.Output(), nil)))
		writer.CloseWithError(err)
		ended <- err
	}()
	stdout := bufio.NewReader(reader)
	url := readyURL(t, stdout)
	t.Cleanup(func() {
		stop()
		if rest, err := io.ReadAll(stdout); err != nil || len(rest) > 0 {
			t.Errorf("after the first line: %q, %v", rest, err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the stack ended with: %v", err)
		}
	})
	return newClient(t, url)
}

// readyURL waits for the line that says that a stack is up.
func readyURL(t *testing.T, stdout *bufio.Reader) string {
	t.Helper()
	line, err := stdout.ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "presize is ready: ")
	if err != nil || !ok {
		t.Fatalf("the stack did not come up: %q, %v", line, err)
	}
	return url
}

// granted is the answer to the request for a grant.
type granted struct {
	ID     media.ID
	Secret string
	Upload struct {
		Method, URL string
		Headers     map[string]string
	}
	Image struct{ Variants []media.Variant }
}

// send sends a request, with headers given as name, value, name, value and so on.
func (c client) send(method, url string, body []byte, headers ...string) (*http.Response, []byte) {
	c.t.Helper()
	if strings.HasPrefix(url, "/") {
		url = c.url + url
	}
	request, err := http.NewRequestWithContext(c.ctx, method, url, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response, answer
}

// sendJSON sends a request that must be answered with status, and decodes the answer. It
// returns when the service wants to be asked again.
func (c client) sendJSON(method, url string, body []byte, status int, into any, headers ...string) {
	c.t.Helper()
	response, answer := c.send(method, url, body, headers...)
	if response.StatusCode != status {
		c.t.Fatalf("%s %s: %s %s", method, url, response.Status, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		c.t.Fatalf("%s %s: %v", method, url, err)
	}
	if later := response.Header.Get("Retry-After"); later != "" {
		seconds, err := strconv.Atoi(later)
		if err != nil {
			c.t.Fatal(err)
		}
		<-time.After(time.Duration(seconds) * time.Second)
	}
}

// upload asks for a grant and puts the original with it.
func (c client) upload(format media.Format, original []byte) granted {
	c.t.Helper()
	var g granted
	request := fmt.Appendf(nil, `{"contentType":%q,"bytes":%d}`, format, len(original))
	c.sendJSON("POST", "/api/v1/uploads", request, http.StatusCreated, &g, "Content-Type", "application/json")
	var headers []string
	for name, value := range g.Upload.Headers {
		headers = append(headers, name, value)
	}
	if response, answer := c.send(g.Upload.Method, g.Upload.URL, original, headers...); response.StatusCode != http.StatusOK {
		c.t.Fatalf("put the original: %s %s", response.Status, answer)
	}
	return g
}

// await asks for an upload's status until it is reached.
func (c client) await(id media.ID, reached func(media.Manifest) bool) media.Manifest {
	c.t.Helper()
	for {
		var m media.Manifest
		c.sendJSON("GET", media.StatusURL(id), nil, http.StatusOK, &m, "Prefer", "wait=20")
		if reached(m) {
			return m
		}
		if m.Settled() {
			c.t.Fatalf("settled as %+v", m)
		}
	}
}

// awaitStatus asks for a URL until it is answered with status.
func (c client) awaitStatus(url string, status int) {
	c.t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		if response, _ := c.send("GET", url, nil); response.StatusCode == status {
			return
		}
		<-pause.C
	}
}

// queues returns a client of the queues of a running stack.
func queues(t *testing.T, data string) (*sqs.Client, operator.Access) {
	t.Helper()
	access, err := operator.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	return sqs.New(sqs.Options{
		Region: access.Region, BaseEndpoint: &access.SQS,
		Credentials: credentials.NewStaticCredentialsProvider(access.AccessKeyID, access.SecretAccessKey, ""),
	}), access
}

// awaitWorker waits until the worker of a running stack has handled all of its events.
func (c client) awaitWorker(data string) {
	c.t.Helper()
	queues, access := queues(c.t, data)
	const waiting, received = types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		out, err := queues.GetQueueAttributes(c.ctx, &sqs.GetQueueAttributesInput{
			QueueUrl: &access.WorkQueue, AttributeNames: []types.QueueAttributeName{waiting, received},
		})
		if err != nil {
			c.t.Fatal(err)
		}
		if out.Attributes[string(waiting)] == "0" && out.Attributes[string(received)] == "0" {
			return
		}
		<-pause.C
	}
}

// deadLetters returns how many events of each key are in the failure queue of a running
// stack.
func deadLetters(t *testing.T, data string) map[string]int {
	t.Helper()
	client, access := queues(t, data)
	keys := make(map[string]int)
	for {
		received, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &access.FailureQueue, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		if len(received.Messages) == 0 {
			return keys
		}
		for _, m := range received.Messages {
			var event events.S3Event
			if err := json.Unmarshal([]byte(*m.Body), &event); err != nil {
				t.Fatal(err)
			}
			keys[event.Records[0].S3.Object.URLDecodedKey]++
		}
	}
}
