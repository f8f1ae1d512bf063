package worker

import (
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestAnimationIsPublishedAsOne(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/gif", nil, phototest.Read(t, "test.gif"))
	h.mustHandle(created(id))
	manifest, objects := h.manifest(id), h.published(id)
	want := media.Original{ContentType: media.GIF, Bytes: 650162, Width: 703, Height: 681, Animated: true, Frames: 24}
	if manifest == nil || !manifest.Complete || *manifest.Original != want {
		t.Fatalf("got %+v with %+v", manifest, manifest.Original)
	}
	if !strings.Contains(manifest.Picture, `type="image/avif" media="(prefers-reduced-motion: reduce)"`) {
		t.Errorf("the still AVIF hides the animation: %s", manifest.Picture)
	}
	if slices.ContainsFunc(manifest.Sizes, func(size media.OutputSize) bool { return size.AutoURL != "" }) {
		t.Errorf("an auto URL would give the still AVIF to browsers that show it: %+v", manifest.Sizes)
	}
	for _, v := range manifest.Variants {
		frames := strings.Count(objects[strings.TrimPrefix(v.URL, "/")].body, "ANMF")
		if animated := v.ContentType == media.WebP; animated && frames != want.Frames || !animated && frames != 0 {
			t.Errorf("%s has %d frames", v.URL, frames)
		}
	}
}

func TestStillImageIsNotCalledAnimated(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	if document := h.published(id)[media.ManifestKey(id)].body; strings.Contains(document, "animated") || strings.Contains(document, "frames") {
		t.Errorf("got %s", document)
	}
}
