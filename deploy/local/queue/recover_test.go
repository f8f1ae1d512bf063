package queue_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
)

func TestRecoverQueuesExactlyWhatIsUnfinished(t *testing.T) {
	env := s3test.Start(t, nil)
	original := func(id media.ID) {
		put(t, env.Input, media.OriginalKey(id), "bytes")
	}
	manifest := func(m media.Manifest) {
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		put(t, env.Output, media.ManifestKey(m.ID), string(data))
	}
	var want []string
	expect := func(event string, id media.ID) {
		want = append(want, event+" "+s3test.Input+" "+media.OriginalKey(id))
	}

	for _, m := range []media.Manifest{
		{ID: media.NewID(), Status: media.Ready, Complete: true},
		{ID: media.NewID(), Status: media.Rejected, Rejection: media.Reject(media.Corrupt, "broken")},
	} {
		original(m.ID)
		manifest(m)
	}
	for _, m := range []media.Manifest{
		{ID: media.NewID(), Status: media.Ready},
		{ID: media.NewID(), Status: media.Failed},
	} {
		original(m.ID)
		manifest(m)
		expect("ObjectCreated:Put", m.ID)
	}
	bare, unreadable, partly := media.NewID(), media.NewID(), media.NewID()
	original(bare)
	original(unreadable)
	put(t, env.Output, media.ManifestKey(unreadable), "{")
	original(partly)
	put(t, env.Output, media.VariantKey(partly, "01234567", "320", media.WebP), "x")
	for _, id := range []media.ID{bare, unreadable, partly} {
		expect("ObjectCreated:Put", id)
	}
	gone := media.Manifest{ID: media.NewID(), Status: media.Ready, Complete: true}
	manifest(gone)
	leftover := media.NewID()
	put(t, env.Output, media.VariantKey(leftover, "01234567", "320", media.WebP), "x")
	expect("ObjectRemoved:Delete", gone.ID)
	expect("ObjectRemoved:Delete", leftover)
	put(t, env.Input, "originals/not-an-id", "x")
	put(t, env.Output, "i/not-an-id/manifest.json", "x")

	if got := recovered(t, env); !equalSets(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// recovered runs Recover and returns the events that it queued.
func recovered(t *testing.T, env s3test.Env) (got []string) {
	t.Helper()
	calls := make(chan string, 100)
	b := queue.New(queue.Config{
		Timeout:     time.Minute,
		Concurrency: 1,
		FailureDir:  t.TempDir(),
		Log:         slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	b.Start(func(_ context.Context, payload json.RawMessage) (any, error) {
		var event events.S3Event
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		record := event.Records[0]
		calls <- record.EventName + " " + record.S3.Bucket.Name + " " + record.S3.Object.Key
		return nil, nil
	})
	if err := b.Recover(t.Context(), s3test.Input, env.Input, env.Output); err != nil {
		t.Fatal(err)
	}
	b.Send(s3local.NewEvent("End", "", "", 0, "")) // comes last, as events keep their order
	for call := range calls {
		if strings.HasPrefix(call, "End") {
			break
		}
		got = append(got, call)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return got
}

func put(t *testing.T, to *bucket.Bucket, key, body string) {
	t.Helper()
	err := to.Put(t.Context(), bucket.Info{Key: key, ContentType: "application/octet-stream"}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
}

func equalSets(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
