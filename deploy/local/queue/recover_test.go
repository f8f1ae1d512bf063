package queue_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/finished"
)

func TestRecoverQueuesExactlyWhatIsUnfinished(t *testing.T) {
	env := s3test.Start(t, nil)
	original := func(id media.ID) {
		put(t, env.Input, media.OriginalKey(id), "bytes")
	}
	manifest := func(m media.Manifest) { putManifest(t, env, m) }
	var want []string
	expect := func(event string, id media.ID) {
		want = append(want, event+" "+s3test.Input+" "+media.OriginalKey(id))
	}

	rev := mediatest.Preset(media.DefaultPreset).Rev()
	for _, m := range []media.Manifest{
		{ID: media.NewID(), Status: media.Ready, Complete: true, Rev: rev},
		{ID: media.NewID(), Status: media.Rejected, Rev: rev, Rejection: media.Reject(media.Corrupt, "broken")},
		{ID: media.NewID(), Status: media.Ready, Complete: true, Rev: "01234567"}, // left to a backfill
	} {
		original(m.ID)
		manifest(m)
	}
	for _, m := range []media.Manifest{
		{ID: media.NewID(), Status: media.Ready, Rev: rev},
		{ID: media.NewID(), Status: media.Failed, Rev: rev},
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
	replaced := media.Manifest{ID: media.NewID(), Status: media.Ready, Complete: true, Rev: rev}
	original(replaced.ID)
	manifest(replaced)
	put(t, env.Input, media.OriginalKey(replaced.ID), "other bytes")
	expect("ObjectCreated:Put", replaced.ID)
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
func recovered(t *testing.T, env s3test.Env, sent ...events.S3Event) (got []string) {
	t.Helper()
	q, dead := open(t, t.TempDir())
	for i, event := range sent {
		to := []*queue.Queue{q, dead}[i%2]
		if err := to.SendEvent(event); err != nil {
			t.Fatal(err)
		}
	}
	before := q.All()
	if err := q.Recover(t.Context(), uploads(env)); err != nil {
		t.Fatal(err)
	}
	for _, m := range q.All() {
		if slices.ContainsFunc(before, func(b queue.Message) bool { return b.ID == m.ID }) {
			continue
		}
		var event events.S3Event
		if err := json.Unmarshal([]byte(m.Body), &event); err != nil {
			t.Fatal(err)
		}
		record := event.Records[0]
		got = append(got, record.EventName+" "+record.S3.Bucket.Name+" "+record.S3.Object.Key)
	}
	return got
}

func TestRecoverLeavesAloneWhatHasAMessage(t *testing.T) {
	env := s3test.Start(t, nil)
	queued, dead, bare := media.NewID(), media.NewID(), media.NewID()
	for _, id := range []media.ID{queued, dead, bare} {
		put(t, env.Input, media.OriginalKey(id), "bytes")
	}
	event := func(id media.ID) events.S3Event {
		return s3local.NewEvent("ObjectCreated:Put", s3test.Input, media.OriginalKey(id), 5, "")
	}
	want := []string{"ObjectCreated:Put " + s3test.Input + " " + media.OriginalKey(bare)}
	if got := recovered(t, env, event(queued), event(dead)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func uploads(env s3test.Env) finished.Uploads {
	return finished.Uploads{Input: env.Input, Output: env.Output, Presets: mediatest.Presets()}
}

// putManifest publishes a manifest as the worker does, of the original if there is one.
func putManifest(t *testing.T, env s3test.Env, m media.Manifest) {
	t.Helper()
	document, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	info := bucket.Info{Key: media.ManifestKey(m.ID), ContentType: "application/json"}
	if original, err := env.Input.Head(t.Context(), media.OriginalKey(m.ID)); err == nil {
		info.Metadata = map[string]string{finished.MetadataName: finished.Identity(original)}
	}
	if err := env.Output.Put(t.Context(), info, document); err != nil {
		t.Fatal(err)
	}
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
