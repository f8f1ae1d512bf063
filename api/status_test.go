package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

func TestStatusFollowsTheObjects(t *testing.T) {
	h := start(t)
	id := media.NewID()
	path := media.StatusURL(id)

	wantProblem(t, h.do("GET", path, nil), uploadNotFound)

	h.putOriginal(id, "bytes")
	want := media.Manifest{ID: id, Status: media.Processing, Preset: "avatar",
		Original: &media.Original{ContentType: media.PNG, Bytes: 5}}
	h.wantStatus(id, want, "no-store")

	want = readyManifest(id, false)
	h.putManifest(want)
	h.wantStatus(id, want, "no-store")

	want = readyManifest(id, true)
	h.putManifest(want)
	h.wantStatus(id, want, "private, max-age=60")

	want = media.Manifest{ID: id, Status: media.Rejected, Preset: "photo",
		Original:  &media.Original{ContentType: media.JPEG, Bytes: 5},
		Rejection: media.Reject(media.Corrupt, "The file is broken.")}
	h.putManifest(want)
	h.wantStatus(id, want, "private, max-age=60")
}

func (h *harness) wantStatus(id media.ID, want media.Manifest, cacheControl string) {
	h.t.Helper()
	reply := h.do("GET", media.StatusURL(id), nil)
	if got := decode[media.Manifest](h.t, reply, http.StatusOK); !reflect.DeepEqual(got, want) {
		h.t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := reply.header.Get("Cache-Control"); got != cacheControl {
		h.t.Errorf("Cache-Control: got %q, want %q", got, cacheControl)
	}
}

func TestOldUploadWithoutAManifestIsBeingProcessed(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putOriginal(id, "bytes")
	h.faults.Restart(func(_ int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
		response, err := carry()
		if err == nil && response.Header.Get("Last-Modified") != "" {
			response.Header.Set("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
		}
		return response, err
	})
	h.wantStatus(id, media.Manifest{ID: id, Status: media.Processing, Preset: "avatar",
		Original: &media.Original{ContentType: media.PNG, Bytes: 5}}, "no-store")
}

func TestWhatIsNotAnIDIsNoUpload(t *testing.T) {
	h := start(t)
	h.instead(func(*http.Request) (*http.Response, error) { panic("S3 was asked") })
	id := string(media.NewID())
	for _, name := range []string{"x", strings.ToUpper(id), id + "a", id[:25] + "b", "..%2F" + id, "%00", "%F0%9F%93%B7", id + "%2Fmanifest.json"} {
		wantProblem(t, h.do("GET", "/api/v1/uploads/"+name, nil), uploadNotFound)
		wantProblem(t, h.do("DELETE", "/api/v1/uploads/"+name, nil), uploadNotFound)
	}
}

func TestBrokenManifestIsOurFault(t *testing.T) {
	h := start(t)
	id := media.NewID()
	for name, body := range map[string][]byte{"not JSON": []byte("{"), "too large": make([]byte, media.MaxManifest+1)} {
		t.Run(name, func(t *testing.T) {
			if err := h.Output.Put(t.Context(), bucket.Info{Key: media.ManifestKey(id), ContentType: "application/json"}, body); err != nil {
				t.Fatal(err)
			}
			wantProblem(t, h.do("GET", media.StatusURL(id), nil), internal)
		})
	}
}

func TestDeleteRemovesTheOriginal(t *testing.T) {
	h := start(t)
	other := media.NewID()
	h.putOriginal(other, "other")
	secret := media.NewSecret()
	id := secret.ID()
	del := func() reply { return h.do("DELETE", media.StatusURL(id), nil, secretHeader, secret.Reveal()) }
	wantProblem(t, del(), uploadNotFound)

	h.putOriginal(id, "bytes")
	if reply := del(); reply.status != http.StatusAccepted || len(reply.body) > 0 {
		t.Errorf("got %d %q", reply.status, reply.body)
	}
	if got := h.originals(); !slices.Equal(got, []string{media.OriginalKey(other)}) {
		t.Errorf("originals: %q", got)
	}
	wantProblem(t, del(), uploadNotFound)

	h.putManifest(readyManifest(id, true)) // the worker has not cleaned up yet
	if reply := del(); reply.status != http.StatusAccepted {
		t.Errorf("with a manifest: %d", reply.status)
	}
}

func TestDeleteIsToldOfWhereTheOriginalHasExpired(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	id := secret.ID()
	h.putManifest(readyManifest(id, true))
	if reply := h.do("DELETE", media.StatusURL(id), nil, secretHeader, secret.Reveal()); reply.status != http.StatusAccepted {
		t.Errorf("status %d", reply.status)
	}
	want := []string{"ObjectCreated:Put " + media.OriginalKey(id), "ObjectRemoved:Delete " + media.OriginalKey(id)}
	var got []string
	for range len(h.events) { // all there are: an event comes before the answer to its request
		got = append(got, <-h.events)
	}
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if left := h.originals(); len(left) > 0 {
		t.Errorf("originals: %q", left)
	}
}

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

func TestUnchangedStatusIsNotSentAgain(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putManifest(readyManifest(id, false))
	tag := h.do("GET", media.StatusURL(id), nil).header.Get("ETag")
	for _, known := range []string{tag, "W/" + tag, `"other", ` + tag} {
		reply := h.do("GET", media.StatusURL(id), nil, "If-None-Match", known)
		if reply.status != http.StatusNotModified || len(reply.body) > 0 || reply.header.Get("ETag") != tag {
			t.Errorf("%s: got %d %q", known, reply.status, reply.body)
		}
	}
	h.putManifest(readyManifest(id, true))
	if reply := h.do("GET", media.StatusURL(id), nil, "If-None-Match", tag); reply.status != http.StatusOK || reply.header.Get("ETag") == tag {
		t.Errorf("after a change: got %d", reply.status)
	}
}

func TestURLsHaveTheHostWhereTheClientPrefersThat(t *testing.T) {
	const site = "https://cdn.example"
	h := start(t, func(c *Config) { c.SiteURL = site })
	id := media.NewID()
	h.putManifest(readyManifest(id, true))
	body := []byte(`{"contentType":"image/png","bytes":1}`)
	for prefer, want := range map[string]string{"": "", "wait=1": "", "Absolute-URLs": site, "wait=1, absolute-urls": site} {
		status := decode[media.Manifest](t, h.do("GET", media.StatusURL(id), nil, "Prefer", prefer), http.StatusOK)
		for _, v := range status.Variants {
			if !strings.HasPrefix(v.URL, want+"/i/") {
				t.Errorf("Prefer: %s: a variant is at %s", prefer, v.URL)
			}
		}
		grant := decode[granted](t, h.do("POST", "/api/v1/uploads", body, "Content-Type", "application/json", "Prefer", prefer), http.StatusCreated)
		for _, url := range []string{grant.StatusURL, grant.Image.ManifestURL, grant.Image.Variants[0].URL} {
			if !strings.HasPrefix(url, want+"/") {
				t.Errorf("Prefer: %s: the grant has %s", prefer, url)
			}
		}
	}
}
