// Package examples tests the examples of the documentation.
package examples

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/notify"
)

var secret = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32))

// TestReceiversVerifyWhatIsSent runs the receivers as they are in the documentation, with
// the libraries of Standard Webhooks for their languages.
func TestReceiversVerifyWhatIsSent(t *testing.T) {
	program := filepath.Join(t.TempDir(), "receiver")
	if out, err := exec.Command("go", "build", "-o", program, "./receiver").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for name, command := range map[string][]string{
		"Go":      {program},
		"Node.js": {"node", "receiver.mjs"},
	} {
		t.Run(name, func(t *testing.T) {
			lines, address := start(t, command)
			manifest := media.Manifest{ID: media.NewID(), Rev: "0a1b2c3d", Preset: "photo", Status: media.Ready}
			event := manifest.Events(media.Label{Reference: "Ü <17>"}, media.Public, time.Now())[0]
			if !deliver(t, address, secret, event) {
				t.Fatal("not delivered")
			}
			document, err := event.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if got, want := next(t, lines), event.Data.EventID+" "+string(document); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if deliver(t, address, "whsec_"+base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("x"), 32)), event) {
				t.Error("a wrong signature was taken")
			}
		})
	}
}

// start runs a receiver until the test ends, and returns its lines and its address.
func start(t *testing.T, command []string) (*bufio.Scanner, string) {
	t.Helper()
	receiver := exec.CommandContext(t.Context(), command[0], command[1:]...)
	receiver.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret, "LISTEN=127.0.0.1:0", "PORT=0", "NODE_PATH=")
	stdout, err := receiver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	receiver.Stderr = t.Output()
	if err := receiver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = receiver.Process.Kill() // it may have ended
		_ = receiver.Wait()         // killed
	})
	lines := bufio.NewScanner(stdout)
	address, ok := strings.CutPrefix(next(t, lines), "listening on ")
	if !ok {
		t.Fatal("the receiver does not listen")
	}
	return lines, address
}

func next(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("no line: %v", lines.Err())
	}
	return lines.Text()
}

type noQueue struct{}

func (noQueue) ChangeVisibility(context.Context, string, time.Duration) error { return nil }

// deliver sends an event once, as the deployed function does.
func deliver(t *testing.T, address, secret string, event media.Event) bool {
	t.Helper()
	message, err := json.Marshal(map[string]any{"detail-type": event.Type, "time": event.Timestamp, "detail": event.Data})
	if err != nil {
		t.Fatal(err)
	}
	sender := notify.New(notify.Config{
		URL:     "http://" + address + "/hooks",
		Secrets: func(context.Context) ([]string, error) { return []string{secret}, nil },
		Client:  notify.NewClient(notify.Loopback),
		Queue:   noQueue{},
		Delay:   notify.Backoff,
		Log:     slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	response, err := sender.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "1", Body: string(message)}}})
	if err != nil {
		t.Fatal(err)
	}
	return len(response.BatchItemFailures) == 0
}

func TestReceiversAreShort(t *testing.T) {
	for file, most := range map[string]int{"receiver/main.go": 36, "receiver.mjs": 24} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > most {
			t.Errorf("%s has %d lines, want at most %d", file, lines, most)
		}
	}
}
