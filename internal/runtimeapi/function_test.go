package runtimeapi_test

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/presize/presize/internal/runtimeapi"
)

// childVariable makes the test binary be a bootstrap.
const childVariable = "RUNTIMEAPI_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		os.Exit(m.Run())
	case "answers":
		lambda.Start(func(event string) (string, error) { return "an answer to " + event, nil })
	case "fails":
		lambda.Start(func(string) (string, error) { return "", context.DeadlineExceeded })
	case "ends":
		lambda.Start(func(string) (string, error) { os.Exit(3); return "", nil })
	case "ends at once":
		os.Exit(4)
	case "hangs":
		interrupted := make(chan os.Signal, 1)
		signal.Notify(interrupted, os.Interrupt)
		<-interrupted
	}
}

func start(t *testing.T, child string) *runtimeapi.Function {
	t.Helper()
	f, err := runtimeapi.Start(runtimeapi.Config{
		Name:    "child",
		Command: []string{os.Args[0]},
		Root:    t.TempDir(),
		Env:     []string{childVariable + "=" + child},
		Log:     t.Output(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestEveryEventHasItsAnswer(t *testing.T) {
	f := start(t, "answers")
	for _, event := range []string{"one", "two"} {
		response, err := f.Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		init, err := f.Init(t.Context())
		if string(response.Body) != `"an answer to `+event+`"` || err != nil || init <= 0 || response.After < init {
			t.Errorf("got %s after %v, %v after the start, %v", response.Body, response.After, init, err)
		}
	}
}

func TestWhatGoesWrongIsTold(t *testing.T) {
	for child, want := range map[string]string{
		"fails":        "context deadline exceeded",
		"ends":         "ended without an answer: exit status 3",
		"ends at once": "ended before any event: exit status 4",
	} {
		t.Run(child, func(t *testing.T) {
			if _, err := start(t, child).Invoke(t.Context(), "event"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %q", err, want)
			}
		})
	}
	t.Run("hangs", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if _, err := start(t, "hangs").Invoke(ctx, "event"); err == nil || !strings.Contains(err.Error(), "does not ask") {
			t.Errorf("got %v", err)
		}
	})
}
