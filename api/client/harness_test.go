package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/api"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
)

// endpoint is the URL of a presize service: the real API over a real S3 server, with a worker
// that only looks at the first bytes. The tests of deploy/presize use the whole stack.
var endpoint string

// running is the service behind endpoint.
var running *service

// source is the folder of this package. The S3 server changes the working directory.
var source, _ = os.Getwd()

// RunTests runs the tests with a service, and returns the exit code. The examples get its
// endpoint, and the path of a photo.
func RunTests(m *testing.M, prepare func(endpoint, photo string)) (code int) {
	dir, err := os.MkdirTemp("", "presize-client-")
	if err == nil {
		running, err = startService(dir)
	}
	photo := filepath.Join(dir, "photo.png")
	if err == nil {
		err = os.WriteFile(photo, []byte("\x89PNG\r\n\x1a\n and pixels"), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	api := running.serve(15 * time.Minute)
	endpoint = api.URL
	prepare(endpoint, photo)
	code = m.Run()
	api.Close()
	if err := errors.Join(running.storage.Close(), os.RemoveAll(dir)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

// service is a presize service in this process.
type service struct {
	storage       *s3local.Server
	input, output *bucket.Bucket

	mu      sync.Mutex
	arrived []string // keys of originals, as often as S3 has told of them
}

func startService(dir string) (*service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := new(service)
	var buckets []s3local.Bucket
	for _, name := range []string{s3test.Input, s3test.Output} {
		buckets = append(buckets, s3local.Bucket{Name: name, Statements: []s3local.Statement{{
			Sid: "Owner", Effect: "Allow", Principal: s3test.Owner, Action: []string{"s3:*"},
			Resource: []string{"arn:aws:s3:::" + name, "arn:aws:s3:::" + name + "/*"},
		}}})
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		return nil, err
	}
	s.storage, err = s3local.Start(context.Background(), s3local.Config{
		Dir: filepath.Join(dir, "s3"), Address: address, Accounts: []string{s3test.Owner}, Buckets: buckets, OnEvent: s.handle,
	})
	if err != nil {
		return nil, err
	}
	s.input = bucket.New(s.storage.Client(s3test.Owner), s3test.Input)
	s.output = bucket.New(s.storage.Client(s3test.Owner), s3test.Output)
	return s, nil
}

// serve starts the API. A token is its own subject, and there need not be one.
func (s *service) serve(grantTTL time.Duration) *httptest.Server {
	server := httptest.NewUnstartedServer(nil)
	handler := api.New(api.Config{
		Input: s.input, Output: s.output, Presets: mediatest.Presets(), Limits: media.DefaultLimits(),
		SiteURL: "http://" + server.Listener.Addr().String(), GrantTTL: grantTTL, Held: 10, Log: slog.New(slog.DiscardHandler),
	})
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			r = r.WithContext(api.WithSubject(r.Context(), token))
		}
		handler.ServeHTTP(w, r)
	})
	server.Start()
	return server
}

// handle stands for the worker.
func (s *service) handle(event events.S3Event) {
	record := event.Records[0]
	id, ok := media.ParseOriginalKey(record.S3.Object.Key)
	if !ok || !strings.HasPrefix(record.EventName, "ObjectCreated") {
		return
	}
	s.mu.Lock()
	s.arrived = append(s.arrived, string(id))
	s.mu.Unlock()
	go func() { // S3 does not wait for the worker
		if err := s.publish(context.Background(), id); err != nil && !errors.Is(err, bucket.ErrNotFound) { // deleted
			fmt.Fprintln(os.Stderr, err)
		}
	}()
}

func (s *service) publish(ctx context.Context, id media.ID) error {
	original, info, err := s.input.Get(ctx, media.OriginalKey(id), 1<<30)
	if err != nil {
		return err
	}
	label := media.ParseLabel(info.Metadata)
	preset, ok := mediatest.Presets().Find(label.Preset)
	format, known := media.Sniff(original)
	m := media.Manifest{ID: id, Preset: label.Preset, Rev: preset.Rev(), Status: media.Ready}
	switch {
	case !ok:
		return errors.New("no preset " + label.Preset)
	case label.Reference == "fail":
		m.Status, m.Failure = media.Failed, &media.Failure{Detail: "We could not process the photo."}
	case !known:
		m.Status, m.Rejection = media.Rejected, media.Reject(media.Corrupt, "The file is damaged.")
	default:
		m.Original = &media.Original{ContentType: format, Bytes: int64(len(original)), Width: 4, Height: 3}
		for _, variant := range preset.Variants(id) {
			variant.Width, variant.Height, variant.Bytes = 320, 240, 1000
			m.Variants = append(m.Variants, variant)
		}
		m.Sizes = media.OutputSizes(m.Variants, false)
		m.Picture = media.Picture(m.Variants, false)
	}
	for _, m.Complete = range []bool{false, m.Status == media.Ready} {
		document, err := m.Encode()
		if err != nil {
			return err
		}
		info := bucket.Info{Key: media.ManifestKey(id), ContentType: "application/json"}
		if err := s.output.Put(ctx, info, document); err != nil {
			return err
		}
	}
	return nil
}

// arrivals returns how often an original has arrived.
func (s *service) arrivals(upload Upload) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.arrived {
		if id == upload.ID {
			count++
		}
	}
	return count
}

// original returns the bytes of an upload in the storage.
func (s *service) original(t *testing.T, upload Upload) []byte {
	t.Helper()
	original, _, err := s.input.Get(t.Context(), media.OriginalKey(media.ID(upload.ID)), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return original
}

// harness is a client whose requests can go wrong and whose pauses take no time.
type harness struct {
	*Client
	faults *faulttest.Transport
	pauses []time.Duration
}

func newHarness(t *testing.T, endpoint string) *harness {
	t.Helper()
	h := &harness{faults: faulttest.New()}
	var err error
	if h.Client, err = New(endpoint, Options{HTTP: &http.Client{Transport: h.faults}}); err != nil {
		t.Fatal(err)
	}
	h.sleep = func(ctx context.Context, pause time.Duration) error {
		h.pauses = append(h.pauses, pause)
		return ctx.Err()
	}
	return h
}

// png returns a file of a size that begins as a PNG.
func png(size int) File {
	photo := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte("pixels"), size/6+1)...)[:size]
	return File{Content: bytes.NewReader(photo), Bytes: int64(size), Name: "photo.png"}
}

func contentOf(t *testing.T, file File) []byte {
	t.Helper()
	content, err := io.ReadAll(io.NewSectionReader(file.Content, 0, file.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// answer is a fault: an answer that the service or the storage did not give.
func answer(status int, contentType, body string, headers ...string) faulttest.Fault {
	return func(faulttest.Carry, func()) (*http.Response, error) {
		header := http.Header{"Content-Type": {contentType}}
		for i := 0; i < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

// cut is a fault: the connection breaks in the middle of the answer.
func cut(carry faulttest.Carry, _ func()) (*http.Response, error) {
	response, err := carry()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}))
	return response, nil
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// phases returns the phases of an upload in the order in which they began.
func phases(told []Progress) (phases []Phase) {
	for _, p := range told {
		if len(phases) == 0 || p.Phase != phases[len(phases)-1] {
			phases = append(phases, p.Phase)
		}
	}
	return slices.Clip(phases)
}
