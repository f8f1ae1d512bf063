package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

func TestHeldAnswerComesWithTheChange(t *testing.T) {
	h := start(t)
	tests := map[string]struct {
		before, after func(media.ID)
		want          func(media.Manifest) bool
	}{
		"ready":    {func(media.ID) {}, func(id media.ID) { h.putManifest(readyManifest(id, false)) }, func(m media.Manifest) bool { return m.Status == media.Ready && !m.Complete }},
		"complete": {func(id media.ID) { h.putManifest(readyManifest(id, false)) }, func(id media.ID) { h.putManifest(readyManifest(id, true)) }, func(m media.Manifest) bool { return m.Complete }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			id := media.NewID()
			h.putOriginal(id, "bytes")
			test.before(id)
			looks := 0
			h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
				if r.Method == http.MethodGet {
					if looks++; looks == 3 { // held, and not only late
						test.after(id)
					}
				}
				return carry()
			})
			defer h.faults.Restart(nil)
			reply := h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20")
			if got := decode[media.Manifest](t, reply, http.StatusOK); !test.want(got) || looks != 3 {
				t.Errorf("after %d looks: %+v", looks, got)
			}
			if got := reply.header.Get("Preference-Applied"); got != "wait=20" {
				t.Errorf("Preference-Applied: %q", got)
			}
		})
	}
}

// TestAgeOfAnUploadIsThatOfItsLastStep holds no answer for an upload that has not come
// further for a minute, by S3's time of the original or of the manifest.
func TestAgeOfAnUploadIsThatOfItsLastStep(t *testing.T) {
	h := start(t)
	processing, ready := media.NewID(), media.NewID()
	for _, id := range []media.ID{processing, ready} {
		h.putOriginal(id, "bytes")
	}
	h.putManifest(readyManifest(ready, false))
	tests := map[string]struct {
		id  media.ID
		old []string // methods: HEAD is for the original, GET for the manifest
		now bool
	}{
		"young original":               {processing, nil, false},
		"old original":                 {processing, []string{"HEAD"}, true},
		"old original, young manifest": {ready, []string{"HEAD"}, false},
		"both old":                     {ready, []string{"HEAD", "GET"}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			looks := 0
			h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
				if r.Method == http.MethodHead {
					looks++
				}
				response, err := carry()
				if err == nil && response.Header.Get("Last-Modified") != "" {
					modified := time.Now()
					if slices.Contains(test.old, r.Method) {
						modified = modified.Add(-time.Minute)
					}
					response.Header.Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
				}
				return response, err
			})
			defer h.faults.Restart(nil)
			reply := h.do("GET", media.StatusURL(test.id), nil, "Prefer", "wait=1")
			decode[media.Manifest](t, reply, http.StatusOK)
			retry, applied := reply.header.Get("Retry-After"), reply.header.Get("Preference-Applied")
			if test.now && (looks != 1 || retry != retryAfter || applied != "") || !test.now && (looks < 2 || retry != "" || applied != "wait=1") {
				t.Errorf("after %d looks, Retry-After %q, Preference-Applied %q", looks, retry, applied)
			}
			if line := h.log.await(`"request"`); strings.Contains(line, `"NotHeld":1`) != test.now {
				t.Errorf("logged %s", line)
			}
		})
	}
}

func TestHeldAnswerTellsOfADeletion(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putOriginal(id, "bytes")
	heads := 0
	h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if r.Method == http.MethodHead {
			if heads++; heads == 2 {
				if err := h.Input.Delete(context.Background(), media.OriginalKey(id)); err != nil {
					return nil, err
				}
			}
		}
		return carry()
	})
	wantProblem(t, h.do("GET", media.StatusURL(id), nil, "Prefer", "wait=20"), uploadNotFound)
}

func TestOnlyWhatCanChangeIsHeld(t *testing.T) {
	h := start(t)
	settled, absent := media.NewID(), media.NewID()
	h.putManifest(readyManifest(settled, true))
	looks := 0
	h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if r.Method == http.MethodGet {
			looks++
		}
		return carry()
	})
	reply := h.do("GET", media.StatusURL(settled), nil, "Prefer", "wait=20")
	if reply.status != http.StatusOK || reply.header.Get("Preference-Applied") != "wait=20" || looks != 1 {
		t.Errorf("settled: %d after %d looks, %v", reply.status, looks, reply.header)
	}
	looks = 0
	reply = h.do("GET", media.StatusURL(absent), nil, "Prefer", "wait=20")
	wantProblem(t, reply, uploadNotFound)
	if looks != 1 || reply.header.Get("Preference-Applied") != "" {
		t.Errorf("absent: after %d looks, %v", looks, reply.header)
	}
}
