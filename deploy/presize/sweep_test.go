package main

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

// keysOf returns the keys of a preset's variants.
func keysOf(id media.ID, preset media.Preset) (keys []string) {
	for _, variant := range preset.Variants(id) {
		keys = append(keys, variant.URL[1:])
	}
	return keys
}

// without returns keys without some.
func without(keys []string, gone ...string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return slices.Contains(gone, key) })
}

// litter publishes uploads in every relation to their variants, and returns the keys
// that a sweep must remove.
func (u *uploads) litter() (gone []string) {
	u.Helper()
	current, old, older := u.service.Presets[0], mustSketch(u.T, "79")[0], mustSketch(u.T, "78")[0]
	publish := func(status media.Status, named media.Preset, others ...media.Preset) media.ID {
		id := media.NewID()
		u.put(id)
		for _, preset := range others {
			u.putVariants(id, preset)
		}
		if status != "" {
			u.publish(id, status, named)
		}
		return id
	}
	remove := func(id media.ID, presets ...media.Preset) {
		for _, preset := range presets {
			gone = append(gone, keysOf(id, preset)...)
		}
	}
	publish(media.Ready, current)
	remove(publish(media.Ready, current, old, older), old, older)
	private, oldPrivate := current, old
	private.Private, oldPrivate.Private = true, true
	remove(publish(media.Ready, private, oldPrivate), oldPrivate)
	remove(publish(media.Rejected, current, old), old)
	publish(media.Ready, old)                            // a backfill has not come to it
	remove(publish(media.Ready, old, older), older)      // nor to it
	publish(media.Ready, old, current)                   // its job is under way
	remove(publish("", current, current, old), old)      // its first job is under way
	remove(publish(media.Failed, current, older), older) // its job has failed
	unreadable := publish("", current, old)              // nobody knows what it names
	for key, body := range map[string]string{
		media.ManifestKey(unreadable):                 "{",
		"i/" + string(media.NewID()) + "/mine.txt":    "not the worker's",
		"i/not-an-id/" + old.Rev() + "/8.jpg":         "not the worker's",
		"other/" + string(media.NewID()) + "/x/8.jpg": "not the worker's",
	} {
		if err := u.Output.Put(u.Context(), bucket.Info{Key: key, ContentType: "text/plain"}, []byte(body)); err != nil {
			u.Fatal(err)
		}
	}
	slices.Sort(gone)
	return gone
}

func TestSweepRemovesExactlyTheOldRevisionsThatNoManifestNames(t *testing.T) {
	u := newUploads(t)
	gone := u.litter()
	before := u.published()

	young := u.newSweep()
	young.before = young.before.Add(-time.Hour)
	if err := young.run(t.Context()); err != nil || young.counts.Removed != 0 || young.counts.Young == 0 {
		t.Errorf("nothing is an hour old: %+v, %v", young.counts, err)
	}
	if got := u.published(); !slices.Equal(got, before) {
		t.Errorf("removed %q", without(before, got...))
	}

	dry := u.newSweep()
	dry.dryRun = true
	var found []string
	dry.found = func(object bucket.Info) error {
		found = append(found, object.Key)
		return nil
	}
	if err := dry.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	if got := u.published(); !slices.Equal(got, before) || !slices.Equal(found, gone) {
		t.Errorf("found %q, want %q; removed %q", found, gone, without(before, got...))
	}

	s := u.newSweep()
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := u.published(), without(before, gone...); !slices.Equal(got, want) {
		t.Errorf("removed %q, want %q", without(before, got...), gone)
	}
	if s.counts.Removed != len(gone) || s.counts.Bytes != int64(4*len(gone)) || s.counts.Unread != 1 || s.counts.Uploads != 10 {
		t.Errorf("counts %+v", s.counts)
	}
}

// TestManifestThatChangesAfterTheListingIsBelieved publishes an old revision again
// while a sweep is between its listing and its look at the manifest.
func TestManifestThatChangesAfterTheListingIsBelieved(t *testing.T) {
	u := newUploads(t)
	id, old := media.NewID(), mustSketch(t, "79")[0]
	u.put(id)
	u.putVariants(id, old)
	u.publish(id, media.Ready, u.service.Presets[0])
	want := u.published()
	u.transport.Restart(func(n int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if n == 2 { // after the listing
			u.publish(id, media.Ready, old)
		}
		return carry()
	})
	s := u.newSweep()
	if err := s.run(t.Context()); err != nil || s.counts.Removed != 0 {
		t.Errorf("%+v, %v", s.counts, err)
	}
	if got := u.published(); !slices.Equal(got, want) {
		t.Errorf("left %q", got)
	}
}
