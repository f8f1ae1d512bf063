package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"golang.org/x/time/rate"

	"github.com/presize/presize/deploy/local/queue"
	localsqs "github.com/presize/presize/deploy/local/sqs"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/finished"
)

// uploads is a service on a real S3 server, with a queue that nobody receives from. Its
// requests go through transport, each once.
type uploads struct {
	*testing.T
	s3test.Env
	service   service
	transport *faulttest.Transport
	work      *queue.Queue
}

func newUploads(t *testing.T) *uploads {
	t.Helper()
	u := &uploads{T: t, Env: s3test.Start(t, nil), transport: faulttest.New()}
	keys := aws.Credentials{AccessKeyID: "operator", SecretAccessKey: "secret"}
	work, err := queue.Open(queue.Config{Name: "work", Dir: t.TempDir(), Visibility: time.Hour, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	u.work = work
	endpoint := httptest.NewServer(localsqs.Handler(localsqs.Config{Queues: []*queue.Queue{work}, Region: "eu-central-1", Credentials: keys}))
	t.Cleanup(endpoint.Close)
	objects := u.transport.Client(u.Server.Client(s3test.Owner))
	u.service = service{
		Uploads: finished.Uploads{
			Input:   bucket.New(objects, s3test.Input),
			Output:  bucket.New(objects, s3test.Output),
			Presets: mustSketch(t, "80"),
		},
		sqs: sqs.New(sqs.Options{
			Region:       "eu-central-1",
			BaseEndpoint: &endpoint.URL,
			Credentials:  credentials.NewStaticCredentialsProvider(keys.AccessKeyID, keys.SecretAccessKey, ""),
			HTTPClient:   &http.Client{Transport: u.transport},
			Retryer:      aws.NopRetryer{},
		}),
		work: localsqs.URL(endpoint.URL, work.Name),
		name: "presize-test", region: "eu-central-1",
	}
	return u
}

// taken returns what was queued since the last call, in order and each id once.
func (u *uploads) taken() (ids []media.ID) {
	u.Helper()
	for {
		message, ok := u.work.TryReceive(time.Hour)
		if !ok {
			slices.Sort(ids)
			return slices.Compact(ids)
		}
		var e events.S3Event
		if err := json.Unmarshal([]byte(message.Body), &e); err != nil || len(e.Records) != 1 {
			u.Fatalf("%s: %v", message.Body, err)
		}
		record := e.Records[0]
		id, ok := media.ParseOriginalKey(record.S3.Object.URLDecodedKey)
		if !ok || record.EventSource != "aws:s3" || record.EventName != "ObjectCreated:Put" || record.S3.Bucket.Name != s3test.Input ||
			record.AWSRegion != "eu-central-1" || record.S3.Object.Size != 5 {
			u.Errorf("event %s", message.Body)
		}
		ids = append(ids, id)
		if err := u.work.Delete(u.Context(), message.Receipt); err != nil {
			u.Fatal(err)
		}
	}
}

// put puts an original.
func (u *uploads) put(id media.ID) {
	u.Helper()
	info := bucket.Info{Key: media.OriginalKey(id), ContentType: "image/png"}
	if err := u.Input.Put(u.Context(), info, []byte("bytes")); err != nil {
		u.Fatal(err)
	}
}

// publish publishes variants and a manifest as the worker does. The manifest is of
// the original, and complete if it is ready.
func (u *uploads) publish(id media.ID, status media.Status, preset media.Preset) {
	u.Helper()
	original, err := u.Input.Head(u.Context(), media.OriginalKey(id))
	if err != nil {
		u.Fatal(err)
	}
	m := media.Manifest{ID: id, Status: status, Complete: true, Preset: preset.Name, Rev: preset.Rev()}
	switch status {
	case media.Rejected:
		m.Rejection = media.Reject(media.Corrupt, "The file is damaged.")
	case media.Ready:
		m.Variants = preset.Variants(id)
		u.putVariants(id, preset)
	}
	document, err := m.Encode()
	if err != nil {
		u.Fatal(err)
	}
	info := bucket.Info{
		Key: preset.Area().ManifestKey(id), ContentType: "application/json",
		Metadata: map[string]string{finished.MetadataName: finished.Identity(original)},
	}
	if err := u.Output.Put(u.Context(), info, document); err != nil {
		u.Fatal(err)
	}
}

// putVariants publishes the variants of a preset without a manifest.
func (u *uploads) putVariants(id media.ID, preset media.Preset) {
	u.Helper()
	for _, variant := range preset.Variants(id) {
		info := bucket.Info{Key: variant.URL[1:], ContentType: string(variant.ContentType)}
		if err := u.Output.Put(u.Context(), info, []byte("four")); err != nil {
			u.Fatal(err)
		}
	}
}

// published returns the keys of everything that is published.
func (u *uploads) published() (keys []string) {
	u.Helper()
	for object, err := range u.Output.List(u.Context(), "") {
		if err != nil {
			u.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}

// silent is progress that nobody looks at.
type silent struct{}

func (silent) show(float64, string) {}
func (silent) end()                 {}

// newBackfill returns a backfill as fast as it goes.
func (u *uploads) newBackfill(file string) *backfill {
	u.Helper()
	b := &backfill{service: u.service, limit: rate.NewLimiter(rate.Inf, 1), progress: silent{}}
	checkpoint, err := openCheckpoint(file, b.task())
	if err != nil {
		u.Fatal(err)
	}
	b.checkpoint = checkpoint
	return b
}

// newSweep returns a sweep of everything that is there now.
func (u *uploads) newSweep() *sweep {
	s := &sweep{service: u.service, before: time.Now(), progress: silent{}, current: make(map[string]bool)}
	for _, preset := range u.service.Presets {
		s.current[preset.Rev()] = true
	}
	return s
}
