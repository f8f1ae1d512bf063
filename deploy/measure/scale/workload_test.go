package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker"
	"github.com/presize/presize/worker/renderer/renderertest"
)

func TestFunctionsAreAsDeployed(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "serverless.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var service struct {
		Functions map[string]struct {
			Memory int `yaml:"memorySize"`
		}
		Params struct {
			Default struct {
				Rate int `yaml:"apiRate"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &service); err != nil {
		t.Fatal(err)
	}
	if got := service.Functions["worker"].Memory; got != workerMemory {
		t.Errorf("worker: memorySize is %d in serverless.yml, %d here", got, workerMemory)
	}
	if got := service.Params.Default.Rate; got != apiRate {
		t.Errorf("apiRate is %d in serverless.yml, %d here", got, apiRate)
	}
	if got := service.Functions["api"].Memory; got != apiMemory {
		t.Errorf("api: memorySize is %d in serverless.yml, %d here", got, apiMemory)
	}
}

// The pauses between two looks at a status are private to package api.
func TestStatusIsLookedAtAsByTheAPI(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "api/wait.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf(`shortestPause += %d \* time.Millisecond`, shortestPause.Milliseconds()),
		`longestPause += time.Second`,
		fmt.Sprintf(`max\(shortestPause, waited/%d\), longestPause`, pauseShare),
	} {
		if !regexp.MustCompile(want).Match(text) {
			t.Errorf("api/wait.go does not say %s", want)
		}
	}
	for wait, want := range map[time.Duration]float64{0: 1, 100 * time.Millisecond: 2, time.Second: 10, 10 * time.Second: 22} {
		if got := looks(wait); got != want {
			t.Errorf("%v: %v looks, want %v", wait, got, want)
		}
	}
}

// counter counts the requests that a client makes, by bucket and method.
type counter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (c *counter) Do(request *http.Request) (*http.Response, error) {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(request.URL.Path, "/"), "/")
	c.mu.Lock()
	c.counts[bucket+" "+request.Method]++
	c.mu.Unlock()
	return http.DefaultClient.Do(request)
}

// The real worker, the real preset, a real S3 server.
func TestWorkerMakesTheRequestsThatAreCounted(t *testing.T) {
	env := s3test.Start(t, nil)
	requests := &counter{counts: make(map[string]int)}
	options := env.Server.Client(s3test.Owner).Options()
	options.HTTPClient = requests
	client := s3.New(options)
	w := worker.New(worker.Config{
		Input:    bucket.New(client, s3test.Input),
		Output:   bucket.New(client, s3test.Output),
		Presets:  mediatest.Presets(),
		Limits:   media.DefaultLimits(),
		Renderer: renderertest.Start(t),
		Log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	id := media.NewID()
	original := bucket.Info{Key: media.OriginalKey(id), ContentType: "image/png"}
	if err := env.Input.Put(t.Context(), original, phototest.Read(t, "test.png")); err != nil {
		t.Fatal(err)
	}
	event := fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`,
		s3test.Input, original.Key)
	if _, err := w.Handle(t.Context(), json.RawMessage(event)); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{
		s3test.Input + " HEAD": workerHeads,
		s3test.Input + " GET":  1,
		s3test.Output + " GET": workerGets - 1,
		s3test.Output + " PUT": workerPuts,
	}
	if fmt.Sprint(requests.counts) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", requests.counts, want)
	}
}

func TestPhotoIsThatOfTheTests(t *testing.T) {
	if got := len(phototest.Read(t, "test_exif_full.jpg")); got != originalBytes {
		t.Errorf("it has %d bytes, here are %d", got, originalBytes)
	}
}
