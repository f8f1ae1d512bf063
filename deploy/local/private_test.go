package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
)

// privatePhoto makes the preset photo private.
func privatePhoto(s *settings) {
	s.presets = mediatest.Presets()
	s.presets[0].Private = true
}

// privateStatus is the status of a private upload.
type privateStatus struct {
	media.Manifest
	Access struct{ Query string }
}

func TestPrivatePhotoIsSeenWithASignatureOnly(t *testing.T) {
	original := phototest.Read(t, "test.png")
	stack := startStack(t, privatePhoto)
	upload := stack.upload(media.PNG, original)
	stack.awaitStatus(media.StatusURL(upload.ID), http.StatusNotFound)
	var status privateStatus
	for !status.Complete {
		stack.sendJSON("GET", media.StatusURL(upload.ID), nil, http.StatusOK, &status, "Prefer", "wait=20", "Upload-Secret", upload.Secret)
	}
	manifest := media.URL(media.Private.ManifestKey(upload.ID))
	urls := []string{manifest + "?" + status.Access.Query}
	for _, variant := range status.Variants {
		urls = append(urls, variant.URL)
	}
	for _, size := range status.Sizes {
		urls = append(urls, size.AutoURL)
	}
	if len(urls) != 1+12+4 {
		t.Errorf("%d URLs", len(urls))
	}
	for _, signed := range urls {
		response, _ := stack.send("GET", signed, nil)
		if cacheControl := response.Header.Get("Cache-Control"); response.StatusCode != http.StatusOK || !strings.HasPrefix(cacheControl, "private, max-age=") {
			t.Errorf("%s: %s, Cache-Control %q", signed, response.Status, cacheControl)
		}
		bare, _, _ := strings.Cut(signed, "?")
		if response, _ := stack.send("GET", bare, nil); response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %s", bare, response.Status)
		}
		public := strings.Replace(bare, "/p/", "/i/", 1)
		for _, target := range []string{public, public + "?" + status.Access.Query} {
			if response, _ := stack.send("GET", target, nil); response.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %s", target, response.Status)
			}
		}
	}
	if query, err := url.ParseQuery(status.Access.Query); err != nil || query.Get("Key-Pair-Id") != signingKeyID {
		t.Errorf("query %q", status.Access.Query)
	}
	if response, _ := stack.send("DELETE", media.StatusURL(upload.ID), nil); response.StatusCode != http.StatusForbidden {
		t.Errorf("delete without the secret: %s", response.Status)
	}
	if response, _ := stack.send("DELETE", media.StatusURL(upload.ID), nil, "Upload-Secret", upload.Secret); response.StatusCode != http.StatusAccepted {
		t.Errorf("delete: %s", response.Status)
	}
	for _, signed := range urls {
		stack.awaitStatus(signed, http.StatusNotFound)
	}
}
