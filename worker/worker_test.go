package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/internal/s3local/s3test"
)

// quiet is a log for tests that do not look at it.
func quiet(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func TestOnlyFailedMessagesOfAQueueAreAskedForAgain(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	good, bad := media.NewID(), media.NewID()
	h.put(good, "image/png", nil, drawing(t, 0))
	h.put(bad, "image/png", nil, drawing(t, 0))
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if strings.Contains(request.URL.Path, string(bad)) {
			return nil, errors.New("connection reset")
		}
		return carry()
	})
	queue := events.SQSEvent{Records: []events.SQSMessage{
		{MessageId: "1", EventSource: "aws:sqs", Body: string(created(bad))},
		{MessageId: "2", EventSource: "aws:sqs", Body: string(created(good))},
		{MessageId: "3", EventSource: "aws:sqs", Body: "hello"},
		{MessageId: "4", EventSource: "aws:sqs", Body: `{"Event":"s3:TestEvent"}`},
	}}
	document, err := json.Marshal(queue)
	if err != nil {
		t.Fatal(err)
	}
	response, err := New(h.config).Handle(context.Background(), document)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(response)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"batchItemFailures":[{"itemIdentifier":"1"},{"itemIdentifier":"3"}]}`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if m := h.manifest(good); m == nil || !m.Complete {
		t.Errorf("the good message was not handled: %+v", m)
	}
}

func TestEventThatIsNotUnderstoodFails(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	if err := h.handle(context.Background(), json.RawMessage(`{"hello":"world"}`)); err == nil {
		t.Error("no error")
	}
	if !strings.Contains(h.log.String(), `"level":"ERROR"`) {
		t.Errorf("log: %s", h.log)
	}
}

func TestEventOfAnotherBucketFailsAndChangesNothing(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	for _, name := range []string{s3test.Output, "presize-input-2", ""} {
		for _, event := range []json.RawMessage{created(id), deleted(id)} {
			h.wire.Restart(nil)
			foreign := bytes.ReplaceAll(event, []byte(`"name":"`+s3test.Input+`"`), []byte(`"name":"`+name+`"`))
			if err := h.handle(context.Background(), foreign); err == nil || !strings.Contains(err.Error(), s3test.Input) {
				t.Errorf("bucket %q: got %v", name, err)
			}
			if sent := h.wire.Sent(""); len(sent) > 0 {
				t.Errorf("bucket %q: sent %q", name, sent)
			}
			if line := h.logLine(); line["level"] != "ERROR" || line["outcome"] != "failed" {
				t.Errorf("bucket %q: logged %v", name, line)
			}
		}
	}
	h.expect(id, want)
}

func TestPanicIsAFailureOfItsJob(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.wire.Restart(func(n int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if n == 2 {
			panic("out of cheese")
		}
		return carry()
	})
	err := h.handle(context.Background(), created(id))
	if !errors.Is(err, errUnrendered) || !strings.Contains(err.Error(), ": panic: out of cheese\n") {
		t.Errorf("got %v", err)
	}
	if line := h.logLine(); line["outcome"] != "failed" || !strings.Contains(line["err"].(string), "isDone") {
		t.Errorf("the log does not say where: %v", line)
	}
	h.mustHandle(created(id))
}

func TestWorkThatDoesNotFitInTheInvocationFails(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	ctx, cancel := context.WithTimeout(context.Background(), margin+closing)
	defer cancel()
	if err := h.try(ctx, created(id)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	h.expect(id, nil)

	ctx, cancel = context.WithTimeout(context.Background(), margin+closing+time.Hour)
	defer cancel()
	if err := h.handle(ctx, created(id)); err != nil {
		t.Error(err)
	}
}

// logLine returns the last line of the log.
func (h *harness) logLine() map[string]any {
	h.Helper()
	lines := bytes.Split(bytes.TrimSpace(h.log.Bytes()), []byte("\n"))
	var line map[string]any
	if err := json.Unmarshal(lines[len(lines)-1], &line); err != nil {
		h.Fatal(err)
	}
	return line
}

func TestEveryJobHasOneLogLineWithoutPrivateThings(t *testing.T) {
	original := phototest.Read(t, "test_exif_full.jpg")
	h := newHarness(t, mediatest.Presets())
	id := media.NewID()
	metadata := map[string]string{"preset": "avatar", "filename": "Geheim%20Foto.JPG"}
	h.put(id, "image/jpeg", metadata, original)
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "e4b46cbf"})
	step := func(outcome string, want map[string]any) {
		t.Helper()
		h.log.Reset()
		if err := h.handle(ctx, created(id)); err != nil {
			t.Error(err)
		}
		line := h.logLine()
		for _, key := range []string{"elapsed", "time"} {
			if line[key] == nil {
				t.Errorf("%s is missing in %s", key, h.log)
			}
			delete(line, key)
		}
		maps.DeleteFunc(line, func(key string, _ any) bool { return key[0] < 'a' }) // metrics
		want["outcome"], want["id"], want["requestId"] = outcome, string(id), "e4b46cbf"
		want["msg"], want["level"] = "job done", "INFO"
		for key, value := range want {
			if line[key] != value {
				t.Errorf("%s is %v, want %v", key, line[key], value)
			}
		}
		if len(line) != len(want) || strings.Count(h.log.String(), "\n") != 1 || strings.Contains(h.log.String(), "Geheim") {
			t.Errorf("log: %s", h.log)
		}
	}
	step("published", map[string]any{"preset": "avatar", "bytes": 3970480.0})
	step("unchanged", map[string]any{"preset": "avatar", "bytes": 3970480.0})
	h.remove(id)
	step("removed", map[string]any{"preset": "", "bytes": 0.0})
	h.put(id, "image/png", metadata, original[:1000])
	step("rejected", map[string]any{"preset": "avatar", "bytes": 1000.0, "cause": "VipsJpeg: premature end of JPEG image; read gave 100 warnings"})
}
