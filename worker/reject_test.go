package worker

import (
	"testing"

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
		"PNG declared as JPEG": {"image/jpeg", phototest.Read(t, "test.png"), nil,
			media.TypeMismatch, media.Original{ContentType: media.PNG, Bytes: 618313, Width: 400, Height: 300}},
		"JPEG without a type": {"binary/octet-stream", jpeg, nil,
			media.TypeMismatch, media.Original{ContentType: media.JPEG, Bytes: 53653, Width: 1680, Height: 1050}},
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
			if fetched := len(h.wire.sent("GET /presize-input/")) > 0; fetched == (test.code == media.TooManyBytes || test.code == media.Empty) {
				t.Errorf("original fetched: %t", fetched)
			}

			want := h.published(id)
			if cache := want[media.ManifestKey(id)].cacheControl; cache != cacheSettled {
				t.Errorf("manifest is cached for %q", cache)
			}
			h.wire.restart(nil)
			h.mustHandle(created(id))
			if puts := h.wire.sent("PUT"); len(puts) > 0 {
				t.Errorf("the repeated event put %q", puts)
			}
			h.expect(id, want)
		})
	}
}
