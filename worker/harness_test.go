package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/renderer/renderertest"
)

// packageDir is known before the S3 server changes the working directory.
var packageDir = func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return dir
}()

// drawing returns a small PNG, the same for the same shade.
func drawing(t testing.TB, shade uint8) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, 48, 32))
	for y := range 32 {
		for x := range 48 {
			img.Set(x, y, color.NRGBA{R: uint8(5 * x), G: uint8(8 * y), B: shade, A: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sketch is a preset with few variants of each kind: two slow ones, four quick ones.
func sketch(t testing.TB, quality int) media.Presets {
	t.Helper()
	presets, err := media.ParsePresets(fstest.MapFS{"presets.json": {Data: fmt.Appendf(nil, `[{"name":"photo","fit":"inside","sizes":[{"width":16},{"width":32}],
		"background":"#ffffff","encoders":[{"format":"image/avif","quality":50,"speed":9},
		{"format":"image/webp","quality":80,"effort":2},{"format":"image/jpeg","quality":%d}]}]`, quality)}})
	if err != nil {
		t.Fatal(err)
	}
	return presets
}

// harness is a worker between the buckets of a real S3 server.
type harness struct {
	*testing.T
	s3test.Env
	wire   *faulttest.Transport // between the worker and the server
	config Config
	log    *bytes.Buffer
}

func newHarness(t *testing.T, presets media.Presets) *harness {
	t.Helper()
	h := &harness{T: t, Env: s3test.Start(t, nil), log: new(bytes.Buffer)}
	h.config = Config{Presets: presets, Limits: media.DefaultLimits(), Renderer: renderertest.Start(t), Log: slog.New(slog.NewJSONHandler(h.log, nil))}
	h.connect()
	return h
}

// connect gives the worker a wire of its own.
func (h *harness) connect() {
	h.wire = faulttest.New()
	client := h.wire.Client(h.Server.Client(s3test.Owner))
	h.config.Input = bucket.New(client, s3test.Input)
	h.config.Output = bucket.New(client, s3test.Output)
}

// beside returns another worker between the same buckets, and its wire.
func (h *harness) beside() (*Worker, *faulttest.Transport) {
	other := *h
	other.connect()
	return New(other.config), other.wire
}

// in is the harness for a subtest.
func (h *harness) in(t *testing.T) *harness {
	sub := *h
	sub.T = t
	return &sub
}

// put puts an original as a client with a grant does.
func (h *harness) put(id media.ID, contentType string, metadata map[string]string, data []byte) {
	h.Helper()
	object := bucket.Info{Key: media.OriginalKey(id), ContentType: contentType, Metadata: metadata}
	if err := h.Input.Put(context.Background(), object, data); err != nil {
		h.Fatal(err)
	}
}

// copy copies an object of the input bucket, as an operator does.
func (h *harness) copy(from, to string) {
	h.Helper()
	_, err := h.Server.Client(s3test.Owner).CopyObject(h.Context(), &s3.CopyObjectInput{
		Bucket: aws.String(s3test.Input), Key: &to, CopySource: aws.String(s3test.Input + "/" + from),
	})
	if err != nil {
		h.Fatal(err)
	}
}

// remove deletes an original as the API does.
func (h *harness) remove(id media.ID) {
	h.Helper()
	if err := h.Input.Delete(context.Background(), media.OriginalKey(id)); err != nil {
		h.Fatal(err)
	}
}

// created and deleted are the events of an original.
func created(id media.ID) json.RawMessage { return event("ObjectCreated:Put", id) }
func deleted(id media.ID) json.RawMessage { return event("ObjectRemoved:Delete", id) }

func event(name string, id media.ID) json.RawMessage {
	e := s3local.NewEvent(name, s3test.Input, media.OriginalKey(id), 1, "")
	e.Records[0].S3.Object.Sequencer = name // one event of a kind in each test
	document, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return document
}

// handle gives a worker an event that is tried once, and returns its error.
func (h *harness) handle(ctx context.Context, event json.RawMessage) error {
	_, err := New(h.config).Handle(ctx, event)
	return err
}

// try is handle for a try that others follow.
func (h *harness) try(ctx context.Context, event json.RawMessage) error {
	_, err := New(h.config).handle(ctx, event, early)
	return err
}

// mustHandle is handle for an event that must succeed.
func (h *harness) mustHandle(event json.RawMessage) {
	h.Helper()
	if err := h.handle(context.Background(), event); err != nil {
		h.Fatal(err)
	}
}

// object is what is published under one key.
type object struct{ contentType, cacheControl, body string }

// published returns everything that is there for id, by key.
func (h *harness) published(id media.ID) map[string]object {
	h.Helper()
	objects := make(map[string]object)
	for info, err := range h.Output.List(context.Background(), media.ImagePrefix(id)) {
		if err != nil {
			h.Fatal(err)
		}
		body, info, err := h.Output.Get(context.Background(), info.Key, 1<<30)
		if err != nil {
			h.Fatal(err)
		}
		objects[info.Key] = object{info.ContentType, info.CacheControl, string(body)}
	}
	return objects
}

// clear removes everything that was published for id, behind the worker's back.
func (h *harness) clear(id media.ID) {
	h.Helper()
	for key := range h.published(id) {
		if err := h.Output.Delete(context.Background(), key); err != nil {
			h.Fatal(err)
		}
	}
}

// manifest returns the manifest of id, or nil if there is none.
func (h *harness) manifest(id media.ID) *media.Manifest {
	h.Helper()
	document, _, err := h.Output.Get(context.Background(), media.ManifestKey(id), 1<<20)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil
	}
	if err != nil {
		h.Fatal(err)
	}
	manifest, err := media.ParseManifest(document)
	if err != nil {
		h.Fatal(err)
	}
	return &manifest
}

// expect fails the test unless exactly the given objects are published for id.
func (h *harness) expect(id media.ID, want map[string]object) {
	h.Helper()
	got := h.published(id)
	if maps.Equal(got, want) {
		return
	}
	h.Errorf("published %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	for key, object := range want {
		if other, ok := got[key]; ok && other != object {
			h.Errorf("%s: other bytes or headers", key)
		}
	}
}

// expectSound fails the test if the manifest of id names a variant that is not there.
func (h *harness) expectSound(id media.ID) {
	h.Helper()
	manifest := h.manifest(id)
	if manifest == nil {
		return
	}
	there := make(map[string]bool)
	for info, err := range h.Output.List(context.Background(), media.ImagePrefix(id)) {
		if err != nil {
			h.Fatal(err)
		}
		there[media.URL(info.Key)] = true
	}
	for _, variant := range manifest.Variants {
		if !there[variant.URL] {
			h.Errorf("the manifest names %s, which is not there", variant.URL)
		}
	}
}

func isPut(request *http.Request, name string) bool {
	return request.Method == http.MethodPut && strings.HasSuffix(request.URL.Path, name)
}
