package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
)

func TestUnknownPathsAreProblems(t *testing.T) {
	h := start(t)
	for _, path := range []string{"/", "/api", "/api/v1", "/api/v1/upload", "/api/v1/uploads/", "/api/v2/uploads", "/api/v1/uploads/a/b", "/api/v1/presets/"} {
		wantProblem(t, h.do("GET", path, nil), notFound)
	}
}

func TestUnknownMethodsAreProblems(t *testing.T) {
	h := start(t)
	tests := []struct{ method, path, allow string }{
		{"GET", "/api/v1/uploads", "POST"},
		{"PUT", "/api/v1/uploads/x", "GET, HEAD, DELETE"},
		{"DELETE", "/api/v1/images", "POST"},
		{"POST", "/api/v1/presets", "GET, HEAD"},
		{"BREW", "/api/v1/healthz", "GET, HEAD"},
	}
	for _, test := range tests {
		reply := h.do(test.method, test.path, nil)
		wantProblem(t, reply, methodNotAllowed)
		if got := reply.header.Get("Allow"); got != test.allow {
			t.Errorf("%s %s: Allow: got %q, want %q", test.method, test.path, got, test.allow)
		}
	}
}

// A browser goes on only where the answer to its preflight is a success.
func TestPreflightsSucceed(t *testing.T) {
	h := start(t)
	for path, allow := range map[string]string{"/api/v1/uploads": "POST", "/api/v1/uploads/x": "GET, HEAD, DELETE", "/api/v1/presets": "GET, HEAD"} {
		reply := h.do("OPTIONS", path, nil, "Origin", "https://app.example", "Access-Control-Request-Method", "POST")
		if reply.status != http.StatusNoContent || reply.header.Get("Allow") != allow {
			t.Errorf("%s: %d %v", path, reply.status, reply.header)
		}
	}
	wantProblem(t, h.do("OPTIONS", "/api/v1/nothing", nil), notFound)
}

func TestHeadAnswersLikeGet(t *testing.T) {
	h := start(t)
	id := media.NewID()
	h.putManifest(readyManifest(id, true))
	for _, path := range []string{media.StatusURL(id), media.StatusURL(media.NewID()), "/api/v1/presets", "/api/v1/openapi.yaml", "/api/v1/healthz"} {
		get, head := h.do("GET", path, nil), h.do("HEAD", path, nil)
		if head.status != get.status || len(head.body) > 0 || head.header.Get("ETag") != get.header.Get("ETag") ||
			head.header.Get("Content-Type") != get.header.Get("Content-Type") {
			t.Errorf("%s: got %d %v, want %d %v", path, head.status, head.header, get.status, get.header)
		}
	}
}

func TestPresetsAreOffered(t *testing.T) {
	h := start(t)
	got := decode[struct {
		Default string
		Presets []offeredPreset
	}](t, h.do("GET", "/api/v1/presets", nil), http.StatusOK)
	if got.Default != "photo" || len(got.Presets) != 3 {
		t.Fatalf("got %+v", got)
	}
	card := got.Presets[2]
	if card.Name != "card" || card.Fit != media.Cover || card.Sizes[0] != (offeredSize{"400", media.Size{Width: 400, Height: 225}}) ||
		!slices.Equal(card.Formats, []media.Format{media.AVIF, media.WebP, media.JPEG}) {
		t.Errorf("got %+v", card)
	}
}

func TestDocumentIsServed(t *testing.T) {
	h := start(t)
	reply := h.do("GET", "/api/v1/openapi.yaml", nil)
	if reply.status != http.StatusOK || !bytes.Equal(reply.body, openAPI) || reply.header.Get("Content-Type") != "application/yaml" {
		t.Errorf("got %d %v", reply.status, reply.header)
	}
}

func TestServiceIsHealthyWithoutS3(t *testing.T) {
	h := start(t)
	h.instead(s3Error(http.StatusInternalServerError))
	if got := decode[map[string]string](t, h.do("GET", "/api/v1/healthz", nil), http.StatusOK); got["status"] != "ok" {
		t.Errorf("got %v", got)
	}
}

func TestRequestIDOfTheFrontDoorIsKept(t *testing.T) {
	log := make(logLines, 10)
	handler := New(testConfig(offline(nil), log))
	frontDoor := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(WithRequestID(r.Context(), "JKJaXmPLvHcESHA=")))
	})
	client := &http.Client{Transport: newContract(t, direct{frontDoor})}
	reply := do(t, client, "GET", "http://api/nothing", nil, "X-Request-Id", "forged")
	if got := reply.header.Get("X-Request-Id"); got != "JKJaXmPLvHcESHA=" {
		t.Errorf("answered as %q", got)
	}
	if line := log.await(`"request"`); !strings.Contains(line, `"requestId":"JKJaXmPLvHcESHA="`) {
		t.Errorf("logged as %s", line)
	}
}

func TestPanicIsLoggedWithItsStack(t *testing.T) {
	log := make(logLines, 10)
	config := testConfig(offline(nil), log)
	config.Input = nil
	client := &http.Client{Transport: newContract(t, direct{New(config)})}
	reply := do(t, client, "POST", "http://api/api/v1/uploads", []byte(`{"contentType":"image/png","bytes":1}`), "Content-Type", "application/json")
	wantProblem(t, reply, internal)
	if strings.Contains(string(reply.body), "nil pointer") {
		t.Errorf("told the client: %s", reply.body)
	}
	if line := log.await(`"ERROR"`); !strings.Contains(line, "nil pointer") || !strings.Contains(line, "grant.go") {
		t.Errorf("logged %s", line)
	}
	log.await(`"request"`)
}

func TestPanicIsLoggedThoughTheClientHasLeft(t *testing.T) {
	var log bytes.Buffer
	for name, end := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"client has left": context.WithCancel,
		"time is over": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			log.Reset()
			ctx, cancel := end(t.Context())
			cancel()
			request := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
			a := respond(func(*http.Request) (answer, error) { panic("a bug") }, request, "id", slog.New(slog.NewTextHandler(&log, nil)))
			if a.status != http.StatusInternalServerError || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "a bug") {
				t.Errorf("answered %d, logged %q", a.status, log.String())
			}
		})
	}
}

func TestEveryRequestIsLoggedOnceAndDiscreetly(t *testing.T) {
	h := start(t)
	body := []byte("0123456789")
	grant := h.grantFor(body)
	if status := send(t, grant.Upload.put(t, body)); status != http.StatusOK {
		t.Fatal(status)
	}
	image := decode[media.Manifest](t, h.do("POST", "/api/v1/images?preset=avatar&token=query-secret", pngHead), http.StatusAccepted)
	h.do("GET", grant.StatusURL+"?token=query-secret", nil)
	h.do("DELETE", grant.StatusURL, nil, secretHeader, grant.Secret)
	h.do("GET", "/path-secret?token=query-secret", nil)
	want := []struct {
		Method, Route string
		Status, Bytes int
		ID            media.ID
	}{
		{"POST", "/api/v1/uploads", 201, -1, grant.ID},
		{"POST", "/api/v1/images", 202, -1, image.ID},
		{"GET", "/api/v1/uploads/{id}", 200, -1, grant.ID},
		{"DELETE", "/api/v1/uploads/{id}", 202, 0, grant.ID},
		{"GET", "/", 404, -1, ""},
	}
	for i := range want {
		line := <-h.log
		for _, secret := range []string{"X-Amz", "a.png", "secret", "http:", grant.Secret} {
			if strings.Contains(line, secret) {
				t.Errorf("the log tells %q: %s", secret, line)
			}
		}
		got := want[i]
		got.ID = ""
		var common struct {
			Msg, RequestID string
			Elapsed        int64
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(line), &common); err != nil {
			t.Fatal(err)
		}
		if want[i].Bytes < 0 && got.Bytes > 0 {
			got.Bytes = -1
		}
		if got != want[i] || common.Msg != "request" || common.RequestID == "" || common.Elapsed == 0 {
			t.Errorf("got  %s\nwant %+v", line, want[i])
		}
	}
	select {
	case line := <-h.log:
		t.Errorf("one line too many: %s", line)
	default:
	}
}
