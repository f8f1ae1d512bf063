package worker

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// expectRejected fails the test unless a rejected manifest is all there is of id.
func (h *harness) expectRejected(id media.ID, code media.Code) {
	h.Helper()
	m := h.manifest(id)
	if m == nil {
		h.Fatal("no manifest")
	}
	if m.Status != media.Rejected || m.Rejection.Code != code || len(m.Rejection.Detail) < 10 ||
		m.Complete || m.Variants != nil || m.Picture != "" || m.Placeholder != nil {
		h.Errorf("manifest %+v with %+v, want %s", m, m.Rejection, code)
	}
	if objects := h.published(id); len(objects) != 1 {
		h.Errorf("%d objects are there, want the manifest only", len(objects))
	}
	h.expectTags(id, map[string]string{media.RejectedTag: "true"})
}

// expectTags fails the test unless the original of id has exactly these tags.
func (h *harness) expectTags(id media.ID, want map[string]string) {
	h.Helper()
	got, err := h.Input.Tags(context.Background(), media.OriginalKey(id))
	if err != nil || !maps.Equal(got, want) {
		h.Errorf("the original's tags are %q (%v), want %q", got, err, want)
	}
}

func TestOnlyRejectedOriginalsAreTaggedAsSuch(t *testing.T) {
	const foreign = "scanned"
	reject := func(l *media.Limits) { l.Bytes = 1 }
	accept := func(*media.Limits) {}
	for name, test := range map[string]struct {
		before map[string]string
		limits func(*media.Limits)
		after  map[string]string
	}{
		"accepted":                   {nil, accept, map[string]string{}},
		"accepted, with others":      {map[string]string{foreign: "x"}, accept, map[string]string{foreign: "x"}},
		"accepted, rejected earlier": {map[string]string{foreign: "x", media.RejectedTag: "true"}, accept, map[string]string{foreign: "x", media.RejectedTag: "false"}},
		"rejected, with others":      {map[string]string{foreign: "x"}, reject, map[string]string{foreign: "x", media.RejectedTag: "true"}},
		"rejected, accepted earlier": {map[string]string{media.RejectedTag: "false"}, reject, map[string]string{media.RejectedTag: "true"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, sketch(t, 80))
			test.limits(&h.config.Limits)
			id := media.NewID()
			h.put(id, "image/png", nil, drawing(t, 0))
			if test.before != nil {
				if err := h.Input.SetTags(t.Context(), media.OriginalKey(id), test.before); err != nil {
					t.Fatal(err)
				}
			}
			asked := false
			h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
				asked = asked || request.URL.Query().Has("tagging")
				return carry()
			})
			for range 2 {
				h.mustHandle(created(id))
				h.expectTags(id, test.after)
			}
			if usual := len(test.after) == 0; asked == usual {
				t.Errorf("tags were asked for: %t", asked)
			}
		})
	}
}

func TestOriginalThatExpiresLeavesWhatIsPublished(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	for name, contentType := range map[string]string{"accepted": "image/png", "rejected": "image/jpeg"} {
		t.Run(name, func(t *testing.T) {
			h := h.in(t)
			id := media.NewID()
			h.put(id, contentType, nil, drawing(t, 0))
			h.mustHandle(created(id))
			want := h.published(id)
			h.remove(id)
			for _, kind := range []string{"LifecycleExpiration:Delete", "LifecycleExpiration:DeleteMarkerCreated", "LifecycleTransition"} {
				h.mustHandle(event(kind, id))
			}
			h.expect(id, want)
		})
	}
}

func TestOriginalThatGoesWhileItIsTaggedTakesItsRejectionAlong(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/jpeg", nil, []byte("no image"))
	gone := false
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if request.URL.Query().Has("tagging") && !gone {
			gone = true
			h.remove(id)
		}
		return carry()
	})
	h.mustHandle(created(id))
	if !gone {
		t.Error("the original was not tagged")
	}
	h.expect(id, nil)
}

func TestFilesAreRejectedForTheirOwnFault(t *testing.T) {
	type limits = media.Limits
	jpeg := phototest.Read(t, "test.jpg")
	for name, test := range map[string]struct {
		contentType string
		data        []byte
		limits      func(*limits)
		code        media.Code
		original    media.Original // as far as it is known
	}{
		"no bytes": {"image/jpeg", nil, nil,
			media.Empty, media.Original{ContentType: media.JPEG}},
		"SVG": {"image/png", phototest.Read(t, "test.svg"), nil,
			media.UnsupportedType, media.Original{ContentType: media.PNG, Bytes: 68630}},
		"PDF": {"application/pdf", phototest.Read(t, "test.pdf"), nil,
			media.UnsupportedType, media.Original{ContentType: "application/pdf", Bytes: 1452921}},
		"PNG with a broken header": {"image/png", append([]byte("\x89PNG\r\n\x1a\n"), "IHDR and so on IEND"...), nil,
			media.Corrupt, media.Original{ContentType: media.PNG, Bytes: 27}},
		"half a JPEG": {"image/jpeg", jpeg[:len(jpeg)/2], nil,
			media.Truncated, media.Original{ContentType: media.JPEG, Bytes: 26826, Width: 1680, Height: 1050}},
		"a byte too many": {"image/jpeg", jpeg, func(l *limits) { l.Bytes = 53652 },
			media.TooManyBytes, media.Original{ContentType: media.JPEG, Bytes: 53653}},
		"a pixel too many": {"image/jpeg", jpeg, func(l *limits) { l.Pixels = 1680*1050 - 1 },
			media.TooManyPixels, media.Original{ContentType: media.JPEG, Bytes: 53653, Width: 1680, Height: 1050}},
		"not enough memory": {"image/jpeg", jpeg, func(l *limits) { l.Memory = 64 << 20 },
			media.TooManyPixels, media.Original{ContentType: media.JPEG, Bytes: 53653, Width: 1680, Height: 1050}},
		"a frame too many": {"image/gif", phototest.Read(t, "test.gif"), func(l *limits) { l.Frames = 1 },
			media.TooManyFrames, media.Original{ContentType: media.GIF, Bytes: 650162, Width: 703, Height: 681, Animated: true, Frames: 24}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, sketch(t, 80))
			if test.limits != nil {
				test.limits(&h.config.Limits)
			}
			id := media.NewID()
			h.put(id, test.contentType, nil, test.data)
			h.mustHandle(created(id))
			h.expectRejected(id, test.code)
			if m := h.manifest(id); *m.Original != test.original {
				t.Errorf("original %+v, want %+v", *m.Original, test.original)
			}
			fetched := slices.ContainsFunc(h.wire.Sent("GET /presize-input/"), func(request string) bool {
				return !strings.HasSuffix(request, "?tagging")
			})
			if fetched == (test.code == media.TooManyBytes || test.code == media.Empty) {
				t.Errorf("original fetched: %t", fetched)
			}

			want := h.published(id)
			if cache := want[media.ManifestKey(id)].cacheControl; cache != cacheSettled {
				t.Errorf("manifest is cached for %q", cache)
			}
			h.wire.Restart(nil)
			h.mustHandle(created(id))
			if puts := h.wire.Sent("PUT"); len(puts) > 0 {
				t.Errorf("the repeated event put %q", puts)
			}
			h.expect(id, want)
		})
	}
}

func TestMagicBytesDecideAndNotTheDeclaration(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	file := drawing(t, 0)
	for _, declared := range []string{"image/jpeg", "image/heic", "application/octet-stream", "text/plain"} {
		id := media.NewID()
		h.put(id, declared, nil, file)
		h.mustHandle(created(id))
		if m := h.manifest(id); m.Status != media.Ready || m.Original.ContentType != media.PNG {
			t.Errorf("declared as %s: %s, %+v", declared, m.Status, *m.Original)
		}
	}
}
