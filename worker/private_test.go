package worker

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local/s3test"
)

// private makes the presets private.
func private(presets media.Presets) media.Presets {
	for i := range presets {
		presets[i].Private = true
	}
	return presets
}

// keys returns what is in the output bucket, with its Cache-Control.
func (h *harness) keys() map[string]string {
	h.Helper()
	all := make(map[string]string)
	for object, err := range h.Output.List(context.Background(), "") {
		if err != nil {
			h.Fatal(err)
		}
		info, err := h.Output.Head(context.Background(), object.Key)
		if err != nil {
			h.Fatal(err)
		}
		all[object.Key] = info.CacheControl
	}
	return all
}

// expectKeys fails the test unless there are so many objects, all of id, all in one area
// and all to be cached by the browser as the area wants it.
func (h *harness) expectKeys(id media.ID, area media.Area, count int) {
	h.Helper()
	keys := h.keys()
	who := map[media.Area]string{media.Public: "public, ", media.Private: "private, "}[area]
	for key, cacheControl := range keys {
		if !strings.HasPrefix(key, area.Prefix(id)) || !strings.HasPrefix(cacheControl, who) {
			h.Errorf("%s with %q", key, cacheControl)
		}
	}
	if len(keys) != count {
		h.Errorf("%d objects, want %d", len(keys), count)
	}
}

func TestPrivateUploadLeavesNothingInPublic(t *testing.T) {
	label := media.Label{Preset: "renamed", Private: true}
	metadata, err := label.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		presets  media.Presets
		metadata map[string]string
	}{
		"by its preset":                       {private(sketch(t, 80)), map[string]string{"preset": "photo"}},
		"by its label, the preset is public":  {sketch(t, 80), map[string]string{"preset": "photo", "private": "true"}},
		"by its label, the preset is unknown": {sketch(t, 80), metadata},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, test.presets)
			id := media.NewID()
			h.put(id, "image/png", test.metadata, drawing(t, 0))
			h.mustHandle(created(id))
			h.expectKeys(id, media.Private, 7)
			h.mustHandle(created(id)) // there is nothing left to do
			h.expectKeys(id, media.Private, 7)
			h.remove(id)
			h.mustHandle(deleted(id))
			if left := h.keys(); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		})
	}
}

func TestDeletedPrivateUploadIsOutOfTheBucketWhileCloudFrontRefuses(t *testing.T) {
	h := newHarness(t, private(sketch(t, 80)))
	queue := h.queue()
	c := invalidationtest.Start(t)
	h.config.Invalidator = c.Distribution(nil)
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.remove(id)
	c.SetDown(true)
	if !h.deliver(1, deleted(id)) || len(queue.sent) != 1 {
		t.Fatalf("sent %q", queue.sent)
	}
	if left := h.keys(); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
	c.SetDown(false)
	if !h.deliver(1, queue.sent[0]) {
		t.Error("the postponed deletion failed")
	}
	want := [][]string{{"/i/" + string(id) + "/*"}, {"/p/" + string(id) + "/*"}}
	if got := c.Invalidated(); !reflect.DeepEqual(got, want) {
		t.Errorf("invalidated %q, want %q", got, want)
	}
}

func TestRejectedPrivateUploadIsPrivateToo(t *testing.T) {
	h := newHarness(t, private(sketch(t, 80)))
	id := media.NewID()
	h.put(id, "image/png", nil, []byte("This is a letter, not a photo."))
	h.mustHandle(created(id))
	h.expectKeys(id, media.Private, 1)
}

func TestPresetThatBecomesPrivateTakesItsUploadsAlong(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	cdn := new(invalidations)
	h.config.Invalidator = cdn
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.expectKeys(id, media.Public, 7)
	h.config.Presets = private(h.config.Presets)
	h.mustHandle(created(id))
	h.expectKeys(id, media.Private, 7)
	if len(cdn.calls) != 2 || !strings.HasPrefix(cdn.calls[0], "/i/"+string(id)+"/*") || cdn.calls[0] == cdn.calls[1] {
		t.Errorf("invalidated %q", cdn.calls)
	}
}

func TestOwnerAndReferenceAreNeitherPublishedNorLogged(t *testing.T) {
	label := media.Label{Preset: "photo", Owner: "auth0|owner-of-it", Reference: "order/17", Filename: "holiday.png"}
	metadata, err := label.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", metadata, drawing(t, 0))
	h.mustHandle(created(id))
	document, info, err := h.Output.Get(t.Context(), media.ManifestKey(id), media.MaxManifest)
	if err != nil {
		t.Fatal(err)
	}
	told := string(document) + h.log.String()
	for _, value := range info.Metadata {
		told += " " + value
	}
	for _, hidden := range []string{label.Owner, label.Reference, label.Filename, metadata["owner"], metadata["reference"]} {
		if strings.Contains(told, hidden) {
			t.Errorf("%q is told: %s", hidden, told)
		}
	}
}

func TestRulesOfThePresetAreCheckedOnTheFile(t *testing.T) {
	for name, test := range map[string]struct {
		rules media.Rules
		want  media.Code
	}{
		"as it must be":  {media.Rules{Accept: []media.Format{media.PNG}, MinWidth: 48, MinHeight: 32, MaxBytes: 1 << 20}, ""},
		"other format":   {media.Rules{Accept: []media.Format{media.JPEG}}, media.TypeMismatch},
		"too narrow":     {media.Rules{MinWidth: 49}, media.TooSmall},
		"too low":        {media.Rules{MinHeight: 33}, media.TooSmall},
		"too many bytes": {media.Rules{MaxBytes: 20}, media.TooManyBytes},
	} {
		t.Run(name, func(t *testing.T) {
			presets := sketch(t, 80)
			presets[0].Rules = test.rules
			h := newHarness(t, presets)
			id := media.NewID()
			h.put(id, "image/png", map[string]string{"preset": "photo"}, drawing(t, 0))
			h.mustHandle(created(id))
			if test.want != "" {
				h.expectRejected(id, test.want)
			} else if m := h.manifest(id); !m.Complete {
				t.Errorf("got %+v", m)
			}
		})
	}
}

// An event of a removal does not say where the upload was published.
func TestRemovalLooksInBothAreas(t *testing.T) {
	for _, presets := range []media.Presets{sketch(t, 80), private(sketch(t, 80))} {
		h := newHarness(t, presets)
		cdn := new(invalidations)
		h.config.Invalidator = cdn
		id := media.NewID()
		h.mustHandle(deleted(id))
		want := 1 // no preset publishes in the other area
		if presets.HavePrivate() {
			want = 2
		}
		if got := h.wire.Sent("DELETE"); len(got) != 2 || len(cdn.calls) != want {
			t.Errorf("%s: deleted %q, invalidated %q", s3test.Output, got, cdn.calls)
		}
	}
}
