package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/web"
)

// siteHarness is a site bucket on a real S3 server, behind a CDN that forgets nothing
// by itself.
type siteHarness struct {
	*testing.T
	s3test.Env
	cdn       *invalidationtest.CloudFront
	transport *faulttest.Transport // of the requests to both
	stale     map[string]bool      // keys that changed and that the CDN was not told to forget since
	out       strings.Builder
}

func newSiteHarness(t *testing.T) *siteHarness {
	t.Helper()
	return &siteHarness{T: t, Env: s3test.Start(t, nil), cdn: invalidationtest.Start(t), transport: faulttest.New(), stale: make(map[string]bool)}
}

// publish publishes a page, with step in the place of its requests.
func (h *siteHarness) publish(ctx context.Context, page fs.FS, step faulttest.Step) error {
	h.Helper()
	h.transport.Restart(step)
	h.out.Reset()
	_, err := site{
		files:  page,
		bucket: bucket.New(h.transport.Client(h.Server.Client(s3test.Owner)), s3test.Output),
		cdn:    h.cdn.Distribution(h.transport),
		out:    &h.out,
	}.publish(ctx)
	return err
}

func (h *siteHarness) mustPublish(page fs.FS) {
	h.Helper()
	if err := h.publish(context.Background(), page, h.watch); err != nil {
		h.Fatal(err)
	}
}

// watch sends a request, and looks at what it has changed.
func (h *siteHarness) watch(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
	before := len(h.cdn.Invalidated())
	response, err := carry()
	if err != nil || response.StatusCode >= 300 {
		return response, err
	}
	if key, ok := strings.CutPrefix(r.URL.Path, "/"+s3test.Output+"/"); ok && key != orderKey && (r.Method == "PUT" || r.Method == "DELETE") {
		h.stale[key] = true
	}
	for _, batch := range h.cdn.Invalidated()[before:] {
		for _, path := range batch {
			delete(h.stale, strings.TrimPrefix(path, "/"))
		}
	}
	h.expectWorkingPage()
	return response, nil
}

// read returns an object of the site, and false if it is not there.
func (h *siteHarness) read(key string) (string, bucket.Info, bool) {
	h.Helper()
	body, info, err := h.Output.Get(context.Background(), key, 1<<20)
	if err != nil && !errors.Is(err, bucket.ErrNotFound) {
		h.Fatal(err)
	}
	return string(body), info, err == nil
}

// expectWorkingPage fails the test if the index names a file that is not there.
// The index of a page in these tests is nothing but names.
func (h *siteHarness) expectWorkingPage() {
	h.Helper()
	index, _, _ := h.read(web.Index)
	for name := range strings.FieldsSeq(index) {
		if _, _, ok := h.read(name); !ok {
			h.Errorf("the index leads to %s, which is not there", name)
		}
	}
}

// expectPublished fails the test unless the bucket holds exactly a page, and the
// CDN has forgotten everything that changed.
func (h *siteHarness) expectPublished(page fs.FS) {
	h.Helper()
	names, err := fs.Glob(page, "*")
	if err != nil {
		h.Fatal(err)
	}
	var keys []string
	for object, err := range h.Output.List(context.Background(), "") {
		if err != nil {
			h.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	if !slices.Equal(keys, names) {
		h.Errorf("the bucket holds %q, want %q", keys, names)
	}
	for _, name := range names {
		want, err := fs.ReadFile(page, name)
		if err != nil {
			h.Fatal(err)
		}
		body, info, _ := h.read(name)
		if body != string(want) || info.ContentType != web.ContentType(name) || info.CacheControl != web.CacheControl {
			h.Errorf("%s is %.40q with %+v", name, body, info)
		}
	}
	if len(h.stale) > 0 {
		h.Errorf("the CDN still has what was under %v", h.stale)
	}
}

// page is a page of files, each given as name=content.
func page(files ...string) fstest.MapFS {
	p := make(fstest.MapFS)
	for _, file := range files {
		name, content, _ := strings.Cut(file, "=")
		p[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return p
}
