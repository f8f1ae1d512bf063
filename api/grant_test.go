package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

func sum(body []byte) string {
	digest := sha256.Sum256(body)
	return base64.StdEncoding.EncodeToString(digest[:])
}

func TestGrantedFileCanBeUploaded(t *testing.T) {
	h := start(t)
	body := []byte("\x89PNG\r\n\x1a\n and so on")
	filename := "Grüße aus/50% \"Köln\"\n.png"
	tests := []struct {
		name, request string
		metadata      map[string]string
	}{
		{"least", fmt.Sprintf(`{"contentType":"image/png","bytes":%d}`, len(body)), map[string]string{"preset": "photo"}},
		{"all", fmt.Sprintf(`{"contentType":"image/png","bytes":%d,"sha256":%q,"filename":%q,"preset":"avatar"}`,
			len(body), sum(body), filename), map[string]string{"preset": "avatar", "filename": url.PathEscape(filename)}},
		{"empty file name", fmt.Sprintf(`{"contentType":"image/png","bytes":%de0,"filename":""}`, len(body)), map[string]string{"preset": "photo"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reply := h.askGrant(test.request)
			grant := decode[granted](t, reply, http.StatusCreated)
			if reply.header.Get("Location") != media.StatusURL(grant.ID) || grant.StatusURL != media.StatusURL(grant.ID) {
				t.Errorf("location %q, status URL %q", reply.header.Get("Location"), grant.StatusURL)
			}
			preset, _ := mediatest.Presets().Find(test.metadata["preset"])
			if !slices.Equal(grant.Image.Variants, preset.Variants(grant.ID)) || grant.Image.ManifestURL != "/i/"+string(grant.ID)+"/manifest.json" {
				t.Errorf("image: %+v", grant.Image)
			}
			if status := send(t, grant.Upload.put(t, body)); status != http.StatusOK {
				t.Fatalf("upload: status %d", status)
			}
			info, err := h.Input.Head(t.Context(), media.OriginalKey(grant.ID))
			if err != nil {
				t.Fatal(err)
			}
			if info.ContentType != "image/png" || info.Size != int64(len(body)) || !maps.Equal(info.Metadata, test.metadata) {
				t.Errorf("stored as %+v", info)
			}
		})
	}
}

// send makes a request on a connection of its own: where S3 refuses one early,
// the rest of the body is still on its way.
func send(t *testing.T, request *http.Request) (status int) {
	t.Helper()
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// offlineGrants answers grant requests on the clock of the test.
func offlineGrants(t *testing.T) *http.Client {
	nowhere := roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("a grant asked S3: %s", r.Method)
		return nil, io.EOF
	})
	return &http.Client{Transport: newContract(t, direct{New(testConfig(offline(nowhere), io.Discard))})}
}

func TestGrantTellsWhenItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		<-time.After(999 * time.Millisecond)
		reply := do(t, offlineGrants(t), "POST", "http://api/api/v1/uploads", []byte(`{"contentType":"image/gif","bytes":1}`), "Content-Type", "application/json")
		grant := decode[granted](t, reply, http.StatusCreated)
		signed, err := url.Parse(grant.Upload.URL)
		if err != nil {
			t.Fatal(err)
		}
		query := signed.Query()
		begin, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date"))
		if err != nil {
			t.Fatal(err)
		}
		valid, err := time.ParseDuration(query.Get("X-Amz-Expires") + "s")
		if err != nil {
			t.Fatal(err)
		}
		if want := begin.Add(valid); !grant.Upload.ExpiresAt.Equal(want) || valid != 15*time.Minute {
			t.Errorf("expires at %v, signed until %v", grant.Upload.ExpiresAt, want)
		}
	})
}

func TestDeclaredTypesAreSignedByTheirName(t *testing.T) {
	for declared, want := range map[string]string{
		"image/jpg": "image/jpeg", "IMAGE/PNG": "image/png", "image/png; x=y": "image/png", "application/octet-stream": "application/octet-stream",
	} {
		body := fmt.Sprintf(`{"contentType":%q,"bytes":1}`, declared)
		reply := do(t, offlineGrants(t), "POST", "http://api/api/v1/uploads", []byte(body), "Content-Type", "application/json")
		grant := decode[granted](t, reply, http.StatusCreated)
		if got := grant.Upload.Headers["Content-Type"]; got != want {
			t.Errorf("%s is signed as %s, want %s", declared, got, want)
		}
	}
}

func TestGrantRequestsAreRefused(t *testing.T) {
	tests := []struct {
		name, body string
		kind       kind
		pointers   []string
	}{
		{"nothing", ``, malformedJSON, nil},
		{"not JSON", `contentType=image/png`, malformedJSON, nil},
		{"cut off", `{"contentType":"image/png","bytes":1`, malformedJSON, nil},
		{"two objects", `{"contentType":"image/png","bytes":1}{}`, malformedJSON, nil},
		{"list", `[{"contentType":"image/png","bytes":1}]`, malformedJSON, nil},
		{"null", `null`, malformedJSON, nil},
		{"text", `"x"`, malformedJSON, nil},
		{"too much", `{"filename":"` + strings.Repeat("x", maxGrantRequest) + `"}`, bodyTooLarge, nil},
		{"empty object", `{}`, invalidRequest, []string{"#/contentType", "#/bytes"}},
		{"wrong types", `{"contentType":1,"bytes":"1","sha256":{},"filename":[],"preset":true,"reference":1,"secret":{}}`, invalidRequest,
			[]string{"#/preset", "#/contentType", "#/bytes", "#/sha256", "#/filename", "#/reference", "#/secret"}},
		{"nulls", `{"contentType":null,"bytes":null,"sha256":null,"filename":null,"preset":null,"reference":null,"secret":null}`, invalidRequest,
			[]string{"#/preset", "#/contentType", "#/bytes", "#/sha256", "#/filename", "#/reference", "#/secret"}},
		{"all wrong", `{"contentType":"image/svg+xml","bytes":0,"sha256":"x","filename":"` + strings.Repeat("ä", 128) + `","preset":"poster","z":1,"a/~b%":2}`, invalidRequest,
			[]string{"#/preset", "#/contentType", "#/bytes", "#/sha256", "#/filename", "#/a~1~0b%25", "#/z"}},
		{"reference", `{"contentType":"image/png","bytes":1,"reference":"` + strings.Repeat("ä", media.MaxReference+1) + `"}`, invalidRequest, []string{"#/reference"}},
		{"short secret", `{"contentType":"image/png","bytes":1,"secret":"` + strings.Repeat("A", 42) + `"}`, invalidRequest, []string{"#/secret"}},
		{"secret with loose bits", `{"contentType":"image/png","bytes":1,"secret":"` + strings.Repeat("A", 42) + `B"}`, invalidRequest, []string{"#/secret"}},
		{"empty secret", `{"contentType":"image/png","bytes":1,"secret":""}`, invalidRequest, []string{"#/secret"}},
		{"other spelling", `{"ContentType":"image/png","contentType":"image/png","bytes":1}`, invalidRequest, []string{"#/ContentType"}},
		{"another type with parameters", `{"contentType":"text/html; charset=utf-8","bytes":1}`, invalidRequest, []string{"#/contentType"}},
		{"negative", `{"contentType":"image/png","bytes":-1}`, invalidRequest, []string{"#/bytes"}},
		{"half a byte", `{"contentType":"image/png","bytes":1.5}`, invalidRequest, []string{"#/bytes"}},
		{"one byte too many", `{"contentType":"image/png","bytes":52428801}`, invalidRequest, []string{"#/bytes"}},
		{"beyond any number", `{"contentType":"image/png","bytes":1e999}`, invalidRequest, []string{"#/bytes"}},
		{"short digest", `{"contentType":"image/png","bytes":1,"sha256":"` + base64.StdEncoding.EncodeToString(make([]byte, 31)) + `"}`, invalidRequest, []string{"#/sha256"}},
		{"digest in hex", `{"contentType":"image/png","bytes":1,"sha256":"` + strings.Repeat("0a", 32) + `"}`, invalidRequest, []string{"#/sha256"}},
		{"digest with loose bits", `{"contentType":"image/png","bytes":1,"sha256":"` + strings.Repeat("A", 42) + `B="}`, invalidRequest, []string{"#/sha256"}},
		{"digest with a line break", `{"contentType":"image/png","bytes":1,"sha256":"\n` + strings.Repeat("A", 43) + `="}`, invalidRequest, []string{"#/sha256"}},
		{"empty preset", `{"contentType":"image/png","bytes":1,"preset":""}`, invalidRequest, []string{"#/preset"}},
	}
	codes := map[string][]media.Code{
		"all wrong":                    {"", media.UnsupportedType, media.Empty, "", "", "", ""},
		"another type with parameters": {media.UnsupportedType},
		"one byte too many":            {media.TooManyBytes},
	}
	client := offlineGrants(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := wantProblem(t, do(t, client, "POST", "http://api/api/v1/uploads", []byte(test.body), "Content-Type", "application/json"), test.kind)
			var pointers []string
			for at, field := range got.Errors {
				pointers = append(pointers, field.Pointer)
				if want := codes[test.name]; want != nil && field.Code != want[at] || want == nil && field.Code != "" {
					t.Errorf("%s has the code %q, want %q", field.Pointer, field.Code, want)
				}
				if !strings.Contains(got.Detail, field.Detail) {
					t.Errorf("the detail does not tell %q: %q", field.Detail, got.Detail)
				}
			}
			if !slices.Equal(pointers, test.pointers) {
				t.Errorf("errors: got %q, want %q", got.Errors, test.pointers)
			}
		})
	}
}

func TestLimitsOfAGrantAreInclusive(t *testing.T) {
	client := offlineGrants(t)
	whole := `{"contentType":"image/avif","bytes":1,"sha256":"` + strings.Repeat("A", 43) + `="}`
	for _, body := range []string{
		`{"contentType":"image/heic","bytes":1}`,
		`{"contentType":"image/heif","bytes":52428800}`,
		`{"contentType":"image/tiff","bytes":1,"filename":"` + strings.Repeat("ä", 127) + `x"}`,
		whole + strings.Repeat(" ", maxGrantRequest-len(whole)),
	} {
		decode[granted](t, do(t, client, "POST", "http://api/api/v1/uploads", []byte(body), "Content-Type", "application/json"), http.StatusCreated)
	}
}

func TestOnlyJSONAsksForAGrant(t *testing.T) {
	client := offlineGrants(t)
	body := []byte(`{"contentType":"image/png","bytes":1}`)
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
		"application/json; =", "text/plain; application/json"} {
		wantProblem(t, do(t, client, "POST", "http://api/api/v1/uploads", body, "Content-Type", contentType), unsupportedType)
	}
	for _, contentType := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON"} {
		decode[granted](t, do(t, client, "POST", "http://api/api/v1/uploads", body, "Content-Type", contentType), http.StatusCreated)
	}
}

// FuzzGrantRequest holds every answer against the document: what it refuses is
// refused, and nothing is our fault.
func FuzzGrantRequest(f *testing.F) {
	f.Add([]byte(`{"contentType":"image/png","bytes":1,"sha256":"AAAA","filename":"x","preset":"photo"}`))
	f.Add([]byte(`{"bytes":1e-9,"a/~b":null}`))
	f.Add([]byte(`[]`))
	contract := newContract(f, direct{New(testConfig(offline(nil), io.Discard))})
	f.Fuzz(func(t *testing.T, body []byte) {
		contract.t = t
		reply := do(t, &http.Client{Transport: contract}, "POST", "http://api/api/v1/uploads", body, "Content-Type", "application/json")
		if reply.status >= 500 {
			t.Errorf("%d for %q", reply.status, body)
		}
		var request struct{ Bytes float64 }
		if reply.status == http.StatusCreated && (json.Unmarshal(body, &request) != nil || request.Bytes < 1) {
			t.Errorf("a grant for %q", body)
		}
	})
}

func BenchmarkGrant(b *testing.B) {
	benchmarkGrant(b, nil, func() string { return "" })
}

// BenchmarkGrantWithSecret measures what the API adds to the time of its request to S3:
// here S3 answers at once that the original is not there.
func BenchmarkGrantWithSecret(b *testing.B) {
	missing := roundTrip(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNotFound, Header: make(http.Header), Body: http.NoBody, Request: r}, nil
	})
	benchmarkGrant(b, missing, func() string { return `,"secret":"` + media.NewSecret().Reveal() + `"` })
}

func benchmarkGrant(b *testing.B, s3 http.RoundTripper, more func() string) {
	handler := New(testConfig(offline(s3), io.Discard))
	b.ReportAllocs()
	for b.Loop() {
		body := `{"contentType":"image/jpeg","bytes":3970480,"sha256":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","filename":"IMG_1.JPG","preset":"photo"` + more() + `}`
		request := httptest.NewRequest("POST", "/api/v1/uploads", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.Code != http.StatusCreated {
			b.Fatal(recorder.Body)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "grants/s")
}
