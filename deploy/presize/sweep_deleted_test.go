package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker"
)

// leftBehind publishes uploads with and without original, and returns those whose deletion
// was lost.
func (u *uploads) leftBehind() (deleted []media.ID) {
	u.Helper()
	check := func(err error) {
		u.Helper()
		if err != nil {
			u.Fatal(err)
		}
	}
	current := u.service.Presets[0]
	private := current
	private.Private = true
	publish := func(status media.Status, preset media.Preset) media.ID {
		id := media.NewID()
		u.put(id)
		u.publish(id, status, preset)
		return id
	}
	remove := func(id media.ID) media.ID {
		check(u.Input.Delete(u.Context(), media.OriginalKey(id)))
		return id
	}
	publish(media.Ready, current)
	remove(publish(media.Rejected, current)) // it has expired
	unread, bare := publish(media.Ready, current), publish(media.Ready, current)
	check(u.Output.Put(u.Context(), bucket.Info{Key: media.ManifestKey(unread), ContentType: "application/json"}, []byte("{")))
	check(u.Output.Delete(u.Context(), media.ManifestKey(bare)))
	deleted = []media.ID{
		remove(publish(media.Ready, current)), remove(publish(media.Failed, current)), remove(publish(media.Ready, private)),
		remove(publish(media.Ready, mustSketch(u.T, "79")[0])), remove(unread), remove(bare),
	}
	slices.Sort(deleted)
	return deleted
}

// queuedDeletions returns the ids of the deletions in the work queue.
func (u *uploads) queuedDeletions() (ids []media.ID) {
	u.Helper()
	for _, message := range u.work.All() {
		jobs, err := worker.ParseEvent([]byte(message.Body))
		var e events.S3Event
		if err != nil || len(jobs) != 1 || jobs[0].Created || json.Unmarshal([]byte(message.Body), &e) != nil ||
			e.Records[0].EventName != "ObjectRemoved:Delete" || jobs[0].Bucket != u.Input.Name() {
			u.Fatalf("%s: %+v, %v", message.Body, jobs, err)
		}
		ids = append(ids, jobs[0].ID)
	}
	slices.Sort(ids)
	return ids
}

func TestSweepQueuesTheDeletionsThatWereLost(t *testing.T) {
	u := newUploads(t)
	want := u.leftBehind()
	before := u.published()
	ordinary := u.newSweep()
	if err := ordinary.run(t.Context()); err != nil || ordinary.counts.Deleted != 0 || len(u.queuedDeletions()) > 0 {
		t.Errorf("without --deleted: %+v, %v", ordinary.counts, err)
	}

	dry := u.newSweep()
	dry.deleted, dry.dryRun = true, true
	var found []media.ID
	dry.found = func(object bucket.Info) error {
		found = append(found, media.ID(strings.Split(object.Key, "/")[1]))
		return nil
	}
	if err := dry.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if !slices.Equal(found, want) || len(u.queuedDeletions()) > 0 {
		t.Errorf("found %q, want %q; queued %q", found, want, u.queuedDeletions())
	}

	s := u.newSweep()
	s.deleted, s.before = true, time.Now().Add(-time.Hour) // the age says nothing of what was deleted
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := u.queuedDeletions(); !slices.Equal(got, want) || s.counts.Deleted != len(want) || s.counts.Uploads != len(want)+2 {
		t.Errorf("queued %q, want %q; %+v", got, want, s.counts)
	}
	if got := u.published(); !slices.Equal(got, before) {
		t.Errorf("it has removed %q itself", without(before, got...))
	}
}

func TestBucketWithoutOriginalsDeletesNoImages(t *testing.T) {
	u := newUploads(t)
	expect := func(s service, want string) {
		t.Helper()
		if err := s.refuseLoss(t.Context()); err == nil && want != "" || err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	expect(u.service, "has no original, and every image would be deleted")
	gone := u.service
	gone.Input = bucket.New(s3test.Start(t, nil).Server.Client(s3test.Owner), "deleted-by-hand")
	expect(gone, "NoSuchBucket")
	u.put(media.NewID())
	expect(u.service, "")
}

func TestExpiredOriginalsAreNotTakenForDeletedOnes(t *testing.T) {
	for days, want := range map[string]string{"": "", "90": "expire after 90 days"} {
		template := `{"Metadata":{"presize":{"parameters":{"originalsExpireDays":"` + days + `"}}}}`
		s := service{stack: stack.Stack{
			Client: stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Template: template}).Client(), Name: "presize-prod",
		}}
		if err := s.refuseExpiry(t.Context()); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q days: %v", days, err)
		}
	}
}
