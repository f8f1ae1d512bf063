package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

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
