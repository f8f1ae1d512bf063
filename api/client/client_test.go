package client

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/faulttest"
)

func TestUploadGivesTheManifestWithAbsoluteURLs(t *testing.T) {
	h := newHarness(t, endpoint)
	upload, file := NewUpload(), png(3<<20)
	var told []Progress
	settings := Settings{Preset: "avatar", Reference: "order/17", OnProgress: func(p Progress) { told = append(told, p) }}
	manifest, err := h.Upload(t.Context(), upload, file, settings)
	if err != nil {
		t.Fatal(err)
	}
	if manifest.ID != upload.ID || manifest.Status != Ready || manifest.Preset != "avatar" || manifest.Reference != "order/17" {
		t.Errorf("manifest %+v", manifest)
	}
	for _, variant := range manifest.Variants {
		if !strings.HasPrefix(variant.URL, endpoint+"/i/"+upload.ID+"/") {
			t.Errorf("the URL of a variant is %s", variant.URL)
		}
	}
	if strings.Count(manifest.Picture, endpoint) == 0 {
		t.Errorf("the picture is %s", manifest.Picture)
	}
	if complete, err := h.WaitComplete(t.Context(), upload); err != nil || !strings.HasPrefix(complete.Sizes[0].AutoURL, endpoint+"/i/") {
		t.Errorf("complete: %+v, %v", complete, err)
	}
	if !bytes.Equal(running.original(t, upload), contentOf(t, file)) {
		t.Error("other bytes arrived")
	}
	if got := phases(told); !slices.Equal(got, []Phase{Hashing, Granting, Uploading, Rendering}) {
		t.Errorf("phases %q", got)
	}
	for i, p := range told {
		if p.Total != file.Bytes || i > 0 && p.Phase == told[i-1].Phase && p.Done < told[i-1].Done {
			t.Errorf("after %+v comes %+v", told[max(0, i-1)], p)
		}
	}
	if last := told[len(told)-2]; last != (Progress{Uploading, file.Bytes, file.Bytes}) {
		t.Errorf("the upload ended with %+v", last)
	}
}

func TestSendingAgainSendsNothing(t *testing.T) {
	h := newHarness(t, endpoint)
	upload := NewUpload()
	for range 2 {
		if err := h.Send(t.Context(), upload, png(100), Settings{}); err != nil {
			t.Fatal(err)
		}
	}
	if puts := h.faults.Sent("PUT"); len(puts) != 1 {
		t.Errorf("sent %q", puts)
	}
	err := h.Send(t.Context(), upload, png(101), Settings{})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "upload-exists" || refused.Status != http.StatusConflict || refused.RequestID == "" || refused.Temporary {
		t.Errorf("another file: %#v", err)
	}
}

func TestRejectionsSayWhy(t *testing.T) {
	damaged := File{Content: strings.NewReader("no image"), Bytes: 8, Name: "photo.jpg"}
	pdf := png(100)
	pdf.ContentType = "application/pdf"
	for name, test := range map[string]struct {
		file    File
		code    string
		arrived int
	}{
		"damaged":         {damaged, "corrupt", 1},
		"of another type": {pdf, "unsupported-type", 0},
		"empty":           {File{Content: strings.NewReader("")}, "empty", 0},
		"too large":       {png(50<<20 + 1), "too-many-bytes", 0},
	} {
		t.Run(name, func(t *testing.T) {
			h, upload := newHarness(t, endpoint), NewUpload()
			_, err := h.Upload(t.Context(), upload, test.file, Settings{})
			var rejected *RejectedError
			if !errors.As(err, &rejected) || rejected.Code != test.code || rejected.Detail == "" || running.arrivals(upload) != test.arrived {
				t.Errorf("got %v", err)
			}
			if test.arrived > 0 && rejected.Manifest.ID != upload.ID {
				t.Errorf("manifest %+v", rejected.Manifest)
			}
		})
	}
}

func TestWrongSettingsAreNoRejection(t *testing.T) {
	h := newHarness(t, endpoint)
	_, err := h.Upload(t.Context(), NewUpload(), png(100), Settings{Preset: "poster"})
	var refused *Error
	if !errors.As(err, &refused) || refused.Code != "invalid-request" || len(refused.Fields) != 1 || refused.Fields[0].Pointer != "#/preset" {
		t.Errorf("got %#v", err)
	}
	pdf := png(100)
	pdf.ContentType = "application/pdf"
	if _, err := h.Upload(t.Context(), NewUpload(), pdf, Settings{Preset: "poster"}); !errors.As(err, &refused) || len(refused.Fields) != 2 {
		t.Errorf("a wrong setting and a wrong file: %#v", err)
	}
	for name, upload := range map[string]Upload{"no secret": {ID: NewUpload().ID}, "another secret": {NewUpload().ID, NewUpload().Secret}} {
		if err := h.Send(t.Context(), upload, png(100), Settings{}); err == nil {
			t.Errorf("an upload with %s is sent", name)
		}
	}
}

func TestFailureOfTheServiceIsNoRejection(t *testing.T) {
	h := newHarness(t, endpoint)
	manifest, err := h.Upload(t.Context(), NewUpload(), png(100), Settings{Reference: "fail"})
	var failed *FailedError
	if !errors.As(err, &failed) || failed.Detail != "We could not process the photo." || manifest.Status != Failed {
		t.Errorf("got %v", err)
	}
}

func TestDeletedUploadIsGone(t *testing.T) {
	h, upload := newHarness(t, endpoint), NewUpload()
	if err := h.Send(t.Context(), upload, png(100), Settings{}); err != nil {
		t.Fatal(err)
	}
	var refused *Error
	if err := h.Delete(t.Context(), Upload{ID: upload.ID}); !errors.As(err, &refused) || refused.Code != "forbidden" {
		t.Errorf("without the secret: %v", err)
	}
	for range 2 {
		if err := h.Delete(t.Context(), upload); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSecretAndTokenStayWithTheService(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("another host was asked: %s %q", r.Method, r.Header)
	}))
	defer other.Close()
	moved := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusMovedPermanently))
	defer moved.Close()
	h := newHarness(t, moved.URL)
	if _, err := h.Status(t.Context(), NewUpload()); err == nil || !strings.Contains(err.Error(), "redirects to "+other.URL) {
		t.Errorf("a redirect: %v", err)
	}

	h = newHarness(t, endpoint)
	h.token = func(context.Context) (string, error) { return "alice", nil }
	var tokens []string
	h.faults.Restart(func(_ int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		tokens = append(tokens, r.Method+" "+r.Header.Get("Authorization"))
		if r.Method == http.MethodPut && r.Header.Get("Upload-Secret") != "" {
			t.Error("the storage got the secret")
		}
		return carry()
	})
	upload := NewUpload()
	if err := h.Send(t.Context(), upload, png(100), Settings{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"POST Bearer alice", "PUT "}; !slices.Equal(tokens, want) {
		t.Errorf("sent %q", tokens)
	}
	if err := h.Delete(t.Context(), Upload{ID: upload.ID}); err != nil {
		t.Errorf("the owner deletes: %v", err)
	}
}

// TestEndpointIsTheSameHoweverItIsWritten also takes addresses of a proxy below a path.
func TestEndpointIsTheSameHoweverItIsWritten(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://a.example":                "https://a.example",
		"https://a.example/":               "https://a.example",
		"https://a.example//":              "https://a.example",
		"https://a.example/api/v1":         "https://a.example",
		"https://a.example/api/v1/":        "https://a.example",
		"https://A.Example:443/api/v1":     "https://a.example",
		"HTTPS://a.example?x=1#y":          "https://a.example",
		"https://a.example/sub/api/v1/?x#": "https://a.example/sub",
		"http://localhost:80/":             "http://localhost",
		"http://localhost:8080":            "http://localhost:8080",
		"http://a.example:443":             "http://a.example:443",
	} {
		c, err := New(endpoint, Options{})
		if err != nil || c.Endpoint() != want {
			t.Errorf("%s: got %v, %v, want %s", endpoint, c, err, want)
		}
	}
}

func TestWhatIsNoEndpointIsRefused(t *testing.T) {
	for _, endpoint := range []string{"a.example", "ftp://a.example", "https:///api", "http://\x7f"} {
		if c, err := New(endpoint, Options{}); err == nil {
			t.Errorf("%q: %s", endpoint, c.Endpoint())
		}
	}
}

func TestNamesOfUploadsAreChecked(t *testing.T) {
	upload := NewUpload()
	if parsed, err := ParseSecret(upload.Secret); parsed != upload || err != nil {
		t.Errorf("got %v, %v", parsed, err)
	}
	if parsed, err := ParseID(upload.ID); parsed != (Upload{ID: upload.ID}) || err != nil {
		t.Errorf("got %v, %v", parsed, err)
	}
	if _, err := ParseSecret("guessed"); err == nil || strings.Contains(err.Error(), "guessed") {
		t.Errorf("a wrong secret: %v", err)
	}
	if _, err := ParseID("../x"); err == nil {
		t.Error("a wrong id is taken")
	}
}

func TestOtherModulesCanUseEveryType(t *testing.T) {
	command := exec.CommandContext(t.Context(), "go", "doc", "-all", ".")
	command.Dir = source
	documentation, err := command.CombinedOutput()
	if err != nil || len(documentation) < 1000 {
		t.Fatalf("%v: %s", err, documentation)
	}
	if strings.Contains(string(documentation), "media.") {
		t.Errorf("an internal type is public:\n%s", documentation)
	}
}
