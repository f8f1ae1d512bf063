package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/s3local/s3test"
)

// harness is the API over HTTP in front of a real S3 server. Whatever a test
// sends through it is held against openapi.yaml.
type harness struct {
	s3test.Env
	t      *testing.T
	url    string
	client *http.Client
	log    logLines
	events chan string // of the input bucket: name and key
	faults *faulttest.Transport
}

// start runs the API until the test ends, with its S3 traffic going through
// h.faults.
func start(t *testing.T, changes ...func(*Config)) *harness {
	h := &harness{t: t, log: make(logLines, 10_000), events: make(chan string, 10_000)}
	h.Env = s3test.Start(t, func(event events.S3Event) {
		if record := event.Records[0]; record.S3.Bucket.Name == s3test.Input {
			h.events <- record.EventName + " " + record.S3.Object.Key
		}
	})
	h.faults = faulttest.New()
	client := h.faults.Client(h.Server.Client(s3test.Owner))
	config := testConfig(client, h.log)
	for _, change := range changes {
		change(&config)
	}
	server := httptest.NewServer(frontDoor(New(config)))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.client = &http.Client{Transport: newContract(t, http.DefaultTransport)}
	return h
}

// frontDoor stands for the one that checks tokens: here a token is its subject.
func frontDoor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer sub="); ok {
			r = r.WithContext(WithSubject(r.Context(), token))
		}
		next.ServeHTTP(w, r)
	})
}

// as is the header that makes a request one of subject's.
func as(subject string) []string { return []string{"Authorization", "Bearer sub=" + subject} }

func testConfig(client *s3.Client, log io.Writer) Config {
	return Config{
		Input:    bucket.New(client, s3test.Input),
		Output:   bucket.New(client, s3test.Output),
		Presets:  mediatest.Presets(),
		Limits:   media.DefaultLimits(),
		GrantTTL: 15 * time.Minute,
		Held:     10,
		Log:      slog.New(slog.NewJSONHandler(log, nil)),
	}
}

// offline is an S3 client whose requests go to transport and never leave the
// process.
func offline(transport http.RoundTripper) *s3.Client {
	return s3.New(s3.Options{
		Region:      "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("access", "secret", "token"),
		HTTPClient:  &http.Client{Transport: transport},
	})
}

// direct calls a handler without a network, which lets it run on a test's own clock.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// logLines receives the lines of a log.
type logLines chan string

func (l logLines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// await returns the next line that contains text.
func (l logLines) await(text string) string {
	for line := range l {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

// do sends a request and returns its answer. Headers are given as name, value.
func (h *harness) do(method, path string, body []byte, headers ...string) reply {
	h.t.Helper()
	return do(h.t, h.client, method, h.url+path, body, headers...)
}

func do(t *testing.T, client *http.Client, method, url string, body []byte, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, got}
}

// askGrant requests a grant with a JSON body.
func (h *harness) askGrant(body string) reply {
	h.t.Helper()
	return h.do("POST", "/api/v1/uploads", []byte(body), "Content-Type", "application/json")
}

// decode reads an answer's body, after checking its status.
func decode[T any](t *testing.T, r reply, status int) (value T) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status: got %d, want %d\n%s", r.status, status, r.body)
	}
	if err := json.Unmarshal(r.body, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

type problemDocument struct {
	Type   string
	Detail string
	Errors []fieldError
}

// wantProblem checks that an answer is a problem of kind k, and returns it.
func wantProblem(t *testing.T, r reply, k kind) problemDocument {
	t.Helper()
	got := decode[problemDocument](t, r, kinds[k].status)
	if want := "urn:presize:problem:" + string(k); got.Type != want {
		t.Errorf("problem: got %s, want %s", got.Type, want)
	}
	return got
}

// putOriginal stores an original as a used grant leaves it.
func (h *harness) putOriginal(id media.ID, body string) {
	h.t.Helper()
	h.putLabelled(id, media.Label{Preset: "avatar"}, body)
}

// putLabelled is putOriginal with a label.
func (h *harness) putLabelled(id media.ID, label media.Label, body string) {
	h.t.Helper()
	metadata, err := label.Metadata()
	if err != nil {
		h.t.Fatal(err)
	}
	info := bucket.Info{Key: media.OriginalKey(id), ContentType: string(media.PNG), Metadata: metadata}
	if err := h.Input.Put(context.Background(), info, []byte(body)); err != nil {
		h.t.Fatal(err)
	}
}

// putManifest publishes a manifest as the worker does.
func (h *harness) putManifest(manifest media.Manifest) {
	h.t.Helper()
	h.putIn(media.Public, manifest)
}

// putIn is putManifest for an area.
func (h *harness) putIn(area media.Area, manifest media.Manifest) {
	h.t.Helper()
	body, err := manifest.Encode()
	if err != nil {
		h.t.Fatal(err)
	}
	info := bucket.Info{Key: area.ManifestKey(manifest.ID), ContentType: "application/json"}
	if err := h.Output.Put(context.Background(), info, body); err != nil {
		h.t.Fatal(err)
	}
}

// originals returns the keys in the input bucket.
func (h *harness) originals() (keys []string) {
	h.t.Helper()
	for info, err := range h.Input.List(context.Background(), "") {
		if err != nil {
			h.t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// readyManifest is a manifest of a finished upload.
func readyManifest(id media.ID, complete bool) media.Manifest {
	return manifestOf(mediatest.Preset("photo"), id, complete)
}

// manifestOf is readyManifest for a preset of four sizes.
func manifestOf(preset media.Preset, id media.ID, complete bool) media.Manifest {
	variants := preset.Variants(id)
	if !complete {
		variants = variants[4:] // no AVIF yet
	}
	for i := range variants {
		variants[i].Width, variants[i].Height, variants[i].Bytes = 320, 240, 1000
	}
	return media.Manifest{
		ID:          id,
		Status:      media.Ready,
		Complete:    complete,
		Preset:      "photo",
		Rev:         preset.Rev(),
		Original:    &media.Original{ContentType: media.JPEG, Bytes: 5, Width: 640, Height: 480},
		Placeholder: &media.Placeholder{ThumbHash: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w", Color: "#6b7f8a"},
		Variants:    variants,
		Sizes:       media.OutputSizes(variants, false),
		Picture:     media.Picture(variants, false),
	}
}
