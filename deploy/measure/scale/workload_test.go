package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/api"
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
			Memory  int `yaml:"memorySize"`
			Timeout int
		}
		Params struct {
			Default struct {
				Rate       int `yaml:"apiRate"`
				DeleteRate int `yaml:"deleteRate"`
			}
		}
	}
	if err := yaml.Unmarshal(text, &service); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		memory  int
		timeout time.Duration
	}{"worker": {workerMemory, workerTimeout}, "api": {apiMemory, apiTimeout}} {
		got := service.Functions[name]
		if got.Memory != want.memory || got.Timeout != int(want.timeout.Seconds()) {
			t.Errorf("%s: %+v in serverless.yml, %+v here", name, got, want)
		}
	}
	if got := service.Params.Default; got.Rate != apiRate || got.DeleteRate != deleteRate {
		t.Errorf("%+v in serverless.yml, apiRate %d and deleteRate %d here", got, apiRate, deleteRate)
	}
}

// The queue is that of the template, its workers those that make deploy sets, and what waits does so as in the code.
func TestQueueIsAsDeployed(t *testing.T) {
	for file, facts := range map[string][]string{
		"deploy/template/trigger.yml": {
			fmt.Sprintf("VisibilityTimeout: %.0f$", visibility.Seconds()),
			fmt.Sprintf("maxReceiveCount: %d$", maxReceives),
		},
		"api/image.go": {fmt.Sprintf("const maxImage = %d << 20$", maxImage>>20)},
		"worker/postpone.go": {
			fmt.Sprintf(`minPostponed = +%.0f \* time.Second$`, minPostponed.Seconds()),
			fmt.Sprintf(`maxPostponed = +%.0f \* time.Minute$`, maxPostponed.Minutes()),
			fmt.Sprintf(`longestPostponed = +%.0f \* time.Hour$`, longestPostponed.Hours()),
		},
		"deploy/presize/capacity.go": {
			`min\(max\(limit/2, fewestWorkers\), mostWorkers\)`,
			fmt.Sprintf("fewestWorkers, mostWorkers = %d, %d$", workersOf(0), workersOf(math.MaxInt)),
		},
	} {
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, fact := range facts {
			if !regexp.MustCompile("(?m)" + fact).Match(text) {
				t.Errorf("%s does not say %s", file, fact)
			}
		}
	}
}

func TestAlarmsWatchAsManyMetrics(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "deploy/template/alarms.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(text), " MetricName: "); got != alarmMetrics {
		t.Errorf("deploy/template/alarms.yml has %d metrics, here are %d", got, alarmMetrics)
	}
}

// How long an answer is held, and the pauses between two looks at a status, are private to package api.
func TestStatusIsLookedAtAsByTheAPI(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "api/wait.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		fmt.Sprintf(`shortestPause += %d \* time.Millisecond`, shortestPause.Milliseconds()),
		`longestPause += time.Second`,
		fmt.Sprintf(`newsTime += %d \* time.Second`, newsTime/time.Second),
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
	method := request.Method
	if request.URL.Query().Has("list-type") {
		method = "LIST"
	}
	c.mu.Lock()
	if c.counts == nil {
		c.counts = make(map[string]int)
	}
	c.counts[bucket+" "+method]++
	c.mu.Unlock()
	return http.DefaultClient.Do(request)
}

// take returns the counts, and starts anew.
func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	c.counts = nil
	return counts
}

// requests are those of the real API and worker, with the real preset and a real S3 server, for
// one upload.
func requests(t *testing.T, preset string) (grant, status, render, deletion, removal map[string]int) {
	env := s3test.Start(t, nil)
	count := &counter{}
	options := env.Server.Client(s3test.Owner).Options()
	options.HTTPClient = count
	client := s3.New(options)
	input, output := bucket.New(client, s3test.Input), bucket.New(client, s3test.Output)
	log := slog.New(slog.DiscardHandler)
	service := api.New(api.Config{Input: input, Output: output, Presets: mediatest.Presets(), Limits: media.DefaultLimits(),
		GrantTTL: time.Minute, Held: 1, Log: log})
	w := worker.New(worker.Config{Input: input, Output: output, Presets: mediatest.Presets(), Limits: media.DefaultLimits(),
		Renderer: renderertest.Start(t), Log: log})
	secret := media.NewSecret()
	id := secret.ID()
	ask := func(method, url, body string, want int) map[string]int {
		request := httptest.NewRequest(method, url, strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Upload-Secret", secret.Reveal())
		answer := httptest.NewRecorder()
		service.ServeHTTP(answer, request)
		if answer.Code != want {
			t.Fatalf("%s %s: %d %s", method, url, answer.Code, answer.Body)
		}
		return count.take()
	}
	work := func(name string) map[string]int {
		event := fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":%q,"s3":{"bucket":{"name":%q},"object":{"key":%q}}}]}`,
			name, s3test.Input, media.OriginalKey(id))
		if _, err := w.Handle(t.Context(), json.RawMessage(event)); err != nil {
			t.Fatal(err)
		}
		return count.take()
	}
	grant = ask("POST", "/api/v1/uploads", fmt.Sprintf(`{"contentType":"image/png","bytes":100,"secret":%q,"preset":%q}`, secret.Reveal(), preset), 201)
	original := bucket.Info{Key: media.OriginalKey(id), ContentType: "image/png", Metadata: map[string]string{media.PresetMetadata: preset}}
	if err := env.Input.Put(t.Context(), original, phototest.Read(t, "test.png")); err != nil {
		t.Fatal(err)
	}
	status = ask("GET", media.StatusURL(id), "", 200)
	render = work("ObjectCreated:Put")
	deletion = ask("DELETE", media.StatusURL(id), "", 202)
	removal = work("ObjectRemoved:Delete")
	return grant, status, render, deletion, removal
}

func TestRequestsAreThoseThatAreCounted(t *testing.T) {
	const in, out = s3test.Input, s3test.Output
	grant, status, render, deletion, removal := requests(t, "photo")
	for name, test := range map[string]struct{ got, want map[string]int }{
		"grant":    {grant, map[string]int{in + " HEAD": grantHeads}},
		"status":   {status, map[string]int{in + " HEAD": 1, out + " GET": 1}},
		"render":   {render, map[string]int{in + " HEAD": workerHeads, in + " GET": 1, out + " GET": workerGets - 1, out + " PUT": workerPuts}},
		"deletion": {deletion, map[string]int{in + " HEAD": 2, out + " GET": 1, in + " DELETE": 1}},
		"removal":  {removal, map[string]int{in + " HEAD": removalGets - 3, out + " LIST": removalLists, out + " DELETE": variants + 2}},
	} {
		if !maps.Equal(test.got, test.want) {
			t.Errorf("%s: got %v, want %v", name, test.got, test.want)
		}
	}
}

func TestPhotoIsThatOfTheTests(t *testing.T) {
	if got := len(phototest.Read(t, "test_exif_full.jpg")); got != originalBytes {
		t.Errorf("it has %d bytes, here are %d", got, originalBytes)
	}
}
