package main

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/web"
)

func TestPageIsPublishedWholeWithItsHeaders(t *testing.T) {
	h := newSiteHarness(t)
	h.expectPublished(page())
	if err := h.publish(t.Context(), web.FS, nil); err != nil {
		t.Fatal(err)
	}
	h.expectPublished(web.FS)
	for key, want := range map[string]string{
		"index.html": "text/html; charset=utf-8",
		"style.css":  "text/css; charset=utf-8",
		"app.js":     "text/javascript; charset=utf-8",
		"icon.svg":   "image/svg+xml",
	} {
		if _, info, _ := h.read(key); info.ContentType != want || info.CacheControl != "public, max-age=0, must-revalidate, s-maxage=86400" {
			t.Errorf("%s: %+v", key, info)
		}
	}
}

func TestOnlyWhatChangedIsPutAndInvalidated(t *testing.T) {
	h := newSiteHarness(t)
	first := page("index.html=a.js b.js c.js", "a.js=1", "b.js=1", "c.js=1")
	h.mustPublish(first)
	drop := func(key string) {
		t.Helper()
		if err := h.Output.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		what    string
		meddle  func()
		page    []string
		did     string
		forgets []string // nil: no invalidation
	}{
		{"nothing", nil, []string{"index.html=a.js b.js c.js", "a.js=1", "b.js=1", "c.js=1"},
			"the page is up to date\n", nil},
		{"one script", nil, []string{"index.html=a.js b.js c.js", "a.js=1", "b.js=2", "c.js=1"},
			"put b.js\ninvalidated 1 paths\n", []string{"/b.js"}},
		{"the same script back", nil, []string{"index.html=a.js b.js c.js", "a.js=1", "b.js=1", "c.js=1"},
			"put b.js\ninvalidated 1 paths\n", []string{"/b.js"}},
		{"the same script once more", nil, []string{"index.html=a.js b.js c.js", "a.js=1", "b.js=2", "c.js=1"},
			"put b.js\ninvalidated 1 paths\n", []string{"/b.js"}},
		{"index, a new script and one that is gone", nil, []string{"index.html=a.js b.js z.js", "a.js=1", "b.js=2", "z.js=1"},
			"put z.js\nput index.html\nremoved c.js\ninvalidated 4 paths\n", []string{"/", "/c.js", "/index.html", "/z.js"}},
		{"a script for a style sheet", nil, []string{"index.html=b.js z.js", "a.css=1", "b.js=2", "z.js=1"},
			"put a.css\nput index.html\nremoved a.js\ninvalidated 4 paths\n", []string{"/", "/a.css", "/a.js", "/index.html"}},
		{"an object that somebody deleted", func() { drop("a.css") }, []string{"index.html=b.js z.js", "a.css=1", "b.js=2", "z.js=1"},
			"put a.css\ninvalidated 1 paths\n", []string{"/a.css"}},
		{"a type that somebody changed", func() {
			info := bucket.Info{Key: "a.css", ContentType: "text/plain", CacheControl: web.CacheControl}
			if err := h.Output.Put(t.Context(), info, []byte("1")); err != nil {
				t.Fatal(err)
			}
		}, []string{"index.html=b.js z.js", "a.css=1", "b.js=2", "z.js=1"},
			"put a.css\ninvalidated 1 paths\n", []string{"/a.css"}},
		{"a Cache-Control that somebody changed", func() {
			info := bucket.Info{Key: "a.css", ContentType: web.ContentType("a.css"), CacheControl: "no-store"}
			if err := h.Output.Put(t.Context(), info, []byte("1")); err != nil {
				t.Fatal(err)
			}
		}, []string{"index.html=b.js z.js", "a.css=1", "b.js=2", "z.js=1"},
			"put a.css\ninvalidated 1 paths\n", []string{"/a.css"}},
	} {
		t.Run(test.what, func(t *testing.T) {
			h.T = t
			if test.meddle != nil {
				test.meddle()
			}
			before := len(h.cdn.Invalidated())
			p := page(test.page...)
			h.mustPublish(p)
			h.expectPublished(p)
			var want [][]string
			if test.forgets != nil {
				want = append(want, test.forgets)
			}
			if got := h.cdn.Invalidated()[before:]; h.out.String() != test.did || !slices.EqualFunc(got, want, slices.Equal) {
				t.Errorf("invalidated %q and said:\n%s", got, h.out.String())
			}
		})
	}
}

// failAt publishes a page with its n-th request going wrong, and reports false if
// there are fewer requests.
func (h *siteHarness) failAt(n int, fault faulttest.Fault, page fstest.MapFS) bool {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, injected := faulttest.At(n, fault, cancel)
	err := h.publish(ctx, page, func(i int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		return step(i, r, func() (*http.Response, error) { return h.watch(i, r, carry) })
	})
	if (err != nil) != injected() {
		h.Errorf("request %d failed: %t, but the error is %v", n, injected(), err)
	}
	return injected()
}

func TestRefusedInvalidationIsRepeatedAsTheSameOrder(t *testing.T) {
	h := newSiteHarness(t)
	p := page("index.html=a.js", "a.js=1")
	h.cdn.SetDown(true)
	for range 2 {
		if err := h.publish(t.Context(), p, h.watch); err == nil || !strings.Contains(err.Error(), "TooManyInvalidationsInProgress") {
			t.Errorf("got %v", err)
		}
	}
	h.cdn.SetDown(false)
	lost := errors.New("lost")
	if err := h.publish(t.Context(), p, func(n int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		response, err := h.watch(n, r, carry)
		if err == nil && !strings.Contains(r.URL.Path, s3test.Output) {
			response.Body.Close()
			return nil, lost
		}
		return response, err
	}); !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
	h.mustPublish(p)
	h.expectPublished(p)
	want := [][]string{{"/", "/a.js", "/index.html"}}
	if got := h.cdn.Invalidated(); !reflect.DeepEqual(got, want) || h.cdn.Requests() != 4 {
		t.Errorf("%d requests invalidated %q", h.cdn.Requests(), got)
	}
}

func TestFileOfUnknownTypeIsNotPublished(t *testing.T) {
	h := newSiteHarness(t)
	if err := h.publish(t.Context(), page("index.html=x.exe", "x.exe=1"), h.watch); err == nil || !strings.Contains(err.Error(), "x.exe") {
		t.Errorf("got %v", err)
	}
	h.expectPublished(page())
}

func TestIndexIsWhatTheDistributionShowsForRoot(t *testing.T) {
	distribution, err := template.Deployment{UploadOrigin: "https://input.example"}.Distribution()
	if err != nil || distribution.RootObject != web.Index {
		t.Errorf("got %q, %v", distribution.RootObject, err)
	}
}
