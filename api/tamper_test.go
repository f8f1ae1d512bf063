package api

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local/s3test"
)

// grantFor asks for a grant for body, bound to its digest.
func (h *harness) grantFor(body []byte) granted {
	h.t.Helper()
	return decode[granted](h.t, h.askGrant(fmt.Sprintf(`{"contentType":"image/png","bytes":%d,"sha256":%q,"filename":"a.png","preset":"card"}`,
		len(body), sum(body))), http.StatusCreated)
}

// put is the request that a grant allows.
func (g uploadGrant) put(t *testing.T, body []byte) *http.Request {
	t.Helper()
	request, err := http.NewRequest(g.Method, g.URL, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range g.Headers {
		request.Header.Set(name, value)
	}
	return request
}

// setBody replaces a request's body, and its Content-Length with it.
func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.GetBody = nil
}

func setHeader(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func dropHeader(name string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Del(name) }
}

func setQuery(name, value string) func(*http.Request) {
	return func(r *http.Request) {
		query := r.URL.Query()
		query.Set(name, value)
		r.URL.RawQuery = query.Encode()
	}
}

// setKey makes a request be for an object that no grant was given for.
func setKey(bucket string) func(*http.Request) {
	return func(r *http.Request) { r.URL.Path = "/" + bucket + "/" + media.OriginalKey(media.NewID()) }
}

// tampering changes a granted request into one that S3 answers with status.
type tampering struct {
	name   string
	tamper func(*http.Request)
	status int
}

// tamperings are for a grant of the body 0123456789.
func tamperings() []tampering {
	return []tampering{
		{"longer body", func(r *http.Request) { setBody(r, "0123456789x") }, 403},
		{"shorter body", func(r *http.Request) { setBody(r, "012345678") }, 403},
		{"empty body", func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 0 }, 403},
		{"body of unknown length", func(r *http.Request) { r.ContentLength = -1 }, 403},
		{"other body", func(r *http.Request) { setBody(r, "9876543210") }, 400},
		{"other body with its checksum", func(r *http.Request) {
			setBody(r, "9876543210")
			r.Header.Set("X-Amz-Checksum-Sha256", sum([]byte("9876543210")))
		}, 403},
		{"no checksum", dropHeader("X-Amz-Checksum-Sha256"), 403},
		{"other type", setHeader("Content-Type", "text/html"), 403},
		{"no type", dropHeader("Content-Type"), 403},
		{"other preset", setHeader("X-Amz-Meta-Preset", "photo"), 403},
		{"no preset", dropHeader("X-Amz-Meta-Preset"), 403},
		{"other file name", setHeader("X-Amz-Meta-Filename", "b.png"), 403},
		{"more metadata", setHeader("X-Amz-Meta-Owner", "me"), 403},
		{"access for all", setHeader("X-Amz-Acl", "public-read"), 403},
		{"tags", setHeader("X-Amz-Tagging", "a=b"), 403},
		{"overwriting", dropHeader("If-None-Match"), 403},
		{"other condition", setHeader("If-None-Match", `"etag"`), 403},
		{"other key", setKey(s3test.Input), 403},
		{"other bucket", setKey(s3test.Output), 403},
		{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 405},
		{"later expiry", setQuery("X-Amz-Expires", "604800"), 403},
		{"later date", setQuery("X-Amz-Date", time.Now().UTC().Format("20060102")+"T235959Z"), 403},
		{"other account", func(r *http.Request) {
			setQuery("X-Amz-Credential", strings.Replace(r.URL.Query().Get("X-Amz-Credential"), s3test.Owner, "presize-root", 1))(r)
		}, 403},
		{"fewer signed headers", setQuery("X-Amz-SignedHeaders", "host"), 403},
		{"other signature", setQuery("X-Amz-Signature", strings.Repeat("0", 64)), 403},
		{"no signature", func(r *http.Request) { r.URL.RawQuery = "" }, 403},
		{"another operation", setQuery("acl", ""), 403},
	}
}

func TestGrantIsForOneExactRequest(t *testing.T) {
	h := start(t)
	body := []byte("0123456789")
	for _, test := range tamperings() {
		t.Run(test.name, func(t *testing.T) { h.tamper(t, h.grantFor(body), body, test) })
		t.Run(test.name+" with a renewed grant", func(t *testing.T) {
			request := fmt.Sprintf(`{"contentType":"image/png","bytes":%d,"sha256":%q,"filename":"a.png","preset":"card","secret":%q}`,
				len(body), sum(body), media.NewSecret().Reveal())
			first := decode[granted](t, h.askGrant(request), http.StatusCreated)
			renewed := decode[granted](t, h.askGrant(request), http.StatusCreated)
			if renewed.ID != first.ID {
				t.Errorf("renewed as %s", renewed.ID)
			}
			h.tamper(t, renewed, body, test)
		})
	}
}

// tamper tries a tampered request, and then the granted one.
func (h *harness) tamper(t *testing.T, grant granted, body []byte, test tampering) {
	t.Helper()
	request := grant.Upload.put(t, body)
	test.tamper(request)
	if status := send(t, request); status != test.status {
		t.Errorf("status: got %d, want %d", status, test.status)
	}
	if got := h.originals(); got != nil {
		t.Errorf("the refused request left %q", got)
	}
	// What was refused has not used the grant up.
	if status := send(t, grant.Upload.put(t, body)); status != http.StatusOK {
		t.Errorf("the granted request: status %d", status)
	}
	if err := h.Input.Delete(t.Context(), media.OriginalKey(grant.ID)); err != nil {
		t.Fatal(err)
	}
}

func TestGrantOnlyPuts(t *testing.T) {
	h := start(t)
	body := []byte("0123456789")
	grant := h.grantFor(body)
	if status := send(t, grant.Upload.put(t, body)); status != http.StatusOK {
		t.Fatal(status)
	}
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodDelete} {
		request := grant.Upload.put(t, nil)
		request.Method = method
		if status := send(t, request); status != http.StatusForbidden {
			t.Errorf("%s: status %d", method, status)
		}
	}
	h.wantStored(grant.ID, body)
}

func TestGrantWorksOnce(t *testing.T) {
	h := start(t)
	body := []byte("0123456789")
	grant := h.grantFor(body)
	open := decode[granted](t, h.askGrant(`{"contentType":"image/png","bytes":10}`), http.StatusCreated)
	for _, id := range []granted{grant, open} {
		if status := send(t, id.Upload.put(t, body)); status != http.StatusOK {
			t.Fatal(status)
		}
	}
	if status := send(t, grant.Upload.put(t, body)); status != http.StatusPreconditionFailed {
		t.Errorf("the same file again: status %d", status)
	}
	if status := send(t, open.Upload.put(t, []byte("9876543210"))); status != http.StatusPreconditionFailed {
		t.Errorf("another file of the same size: status %d", status)
	}
	h.wantStored(grant.ID, body)
	h.wantStored(open.ID, body)
}

func TestGrantExpires(t *testing.T) {
	const ttl, margin = 15 * time.Minute, 30 * time.Second
	h := start(t, func(c *Config) { c.GrantTTL = ttl })
	body := []byte("0123456789")
	now := time.Now()
	// grantAged asks the handler for a grant in a past of its own.
	grantAged := func(age time.Duration) (grant granted) {
		synctest.Test(t, func(t *testing.T) {
			<-time.After(now.Add(-age).Sub(time.Now()))
			client := h.Server.Client(s3test.Owner)
			handler := direct{New(testConfig(client, io.Discard))}
			reply := do(t, &http.Client{Transport: newContract(t, handler)}, "POST", "http://api/api/v1/uploads",
				[]byte(`{"contentType":"image/png","bytes":10}`), "Content-Type", "application/json")
			grant = decode[granted](t, reply, http.StatusCreated)
		})
		return grant
	}
	if status := send(t, grantAged(ttl+margin).Upload.put(t, body)); status != http.StatusForbidden {
		t.Errorf("after the expiry: status %d", status)
	}
	if got := h.originals(); got != nil {
		t.Errorf("the expired grant left %q", got)
	}
	if status := send(t, grantAged(ttl-margin).Upload.put(t, body)); status != http.StatusOK {
		t.Errorf("before the expiry: status %d", status)
	}
}

func (h *harness) wantStored(id media.ID, body []byte) {
	h.t.Helper()
	if !slices.Contains(h.originals(), media.OriginalKey(id)) {
		h.t.Errorf("%s is gone", id)
		return
	}
	got, _, err := h.Input.Get(h.t.Context(), media.OriginalKey(id), 1<<20)
	if err != nil || !bytes.Equal(got, body) {
		h.t.Errorf("%s is %q, %v", id, got, err)
	}
}
