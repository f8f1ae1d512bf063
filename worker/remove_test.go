package worker

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
)

// invalidations is a CDN that writes down what it is told to forget.
type invalidations struct {
	before func()
	calls  []string
}

func (i *invalidations) Invalidate(_ context.Context, reference string, paths ...string) error {
	if i.before != nil {
		i.before()
	}
	i.calls = append(i.calls, strings.Join(paths, " ")+" "+reference)
	return nil
}

func TestRemovalTakesEverythingAlong(t *testing.T) {
	for name, document := range map[string]func(media.ID) json.RawMessage{
		"event of the removal":          deleted,
		"event of the upload, too late": created,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, sketch(t, 80))
			id, other := media.NewID(), media.NewID()
			for _, id := range []media.ID{id, other} {
				h.put(id, "image/png", nil, drawing(t, 0))
				h.mustHandle(created(id))
			}
			h.config.Presets = sketch(t, 81) // there are two revisions to remove
			h.mustHandle(created(id))
			untouched := h.published(other)

			h.remove(id)
			cdn := &invalidations{before: func() { h.expect(id, nil) }}
			h.config.Invalidator = cdn
			h.wire.Restart(nil)
			h.mustHandle(document(id))
			h.expect(id, nil)
			h.expect(other, untouched)
			if gone := h.wire.Sent("DELETE"); !strings.HasSuffix(gone[0], "/manifest.json") || len(gone) != 14 { // the manifest of each area, and 12 variants
				t.Errorf("deleted %q, want the manifest first", gone)
			}
			if len(cdn.calls) != 1 || !strings.HasPrefix(cdn.calls[0], "/i/"+string(id)+"/* ") {
				t.Errorf("invalidated %q", cdn.calls)
			}
			h.mustHandle(document(id))
			if len(cdn.calls) != 2 || cdn.calls[0] != cdn.calls[1] {
				t.Errorf("a repeated event must repeat its invalidation as it was: %q", cdn.calls)
			}
		})
	}
}

func TestLateRemovalEventLeavesTheNextOriginalAlone(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	cdn := new(invalidations)
	h.config.Invalidator = cdn
	h.mustHandle(deleted(id))
	h.expect(id, want)
	if len(cdn.calls) > 0 {
		t.Errorf("invalidated %q", cdn.calls)
	}
}

// In a bucket with versions a deletion makes a marker. When the marker is deleted, the original
// is back, and S3 sends an event of a deletion for that too.
func TestOriginalWhoseMarkerIsDeletedIsRenderedAgain(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	before := h.published(id)
	h.remove(id)
	h.mustHandle(event("ObjectRemoved:DeleteMarkerCreated", id))
	h.expect(id, nil)
	h.put(id, "image/png", nil, drawing(t, 0)) // the server has no versions: the same bytes, without their event
	h.mustHandle(deleted(id))
	h.expect(id, before)
}

// TestLateEventOfAnExpiredOriginalRemovesNothing hands over an event that was redriven after
// its original has expired.
func TestLateEventOfAnExpiredOriginalRemovesNothing(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	want := h.published(id)
	h.remove(id)
	at := func(name string, age time.Duration) json.RawMessage {
		e := s3local.NewEvent(name, s3test.Input, media.OriginalKey(id), 1, "")
		e.Records[0].EventTime = time.Now().Add(-age)
		document, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	h.mustHandle(at("ObjectCreated:Put", mayHaveExpired+time.Minute))
	h.expect(id, want)
	h.mustHandle(at("ObjectRemoved:Delete", mayHaveExpired+time.Minute))
	h.expect(id, nil)
}
