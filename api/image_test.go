package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
)

var pngHead = []byte("\x89PNG\r\n\x1a\n")

func TestImageIsStoredAsAGrantWouldHave(t *testing.T) {
	h := start(t)
	largest := append(slices.Clone(pngHead), make([]byte, maxImage-len(pngHead))...)
	tests := []struct {
		name, query, contentType string
		body                     []byte
		preset                   string
		format                   media.Format
	}{
		{"declared", "", "image/jpeg", []byte("\xff\xd8\xff\x00\x80\n\r"), "photo", media.JPEG},
		{"declared with a parameter", "?preset=photo", "Image/WebP; q=1", []byte("x"), "photo", media.WebP},
		{"declared otherwise than it is", "", "image/gif", pngHead, "photo", media.PNG},
		{"undeclared", "?preset=avatar", "", pngHead, "avatar", media.PNG},
		{"any bytes", "?preset=card", "application/octet-stream", []byte("GIF89a"), "card", media.GIF},
		{"largest", "", "image/png", largest, "photo", media.PNG},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var headers []string
			if test.contentType != "" {
				headers = []string{"Content-Type", test.contentType}
			}
			reply := h.do("POST", "/api/v1/images"+test.query, test.body, headers...)
			got := decode[media.Manifest](t, reply, http.StatusAccepted)
			if got.Status != media.Processing || got.Preset != test.preset || got.Original.ContentType != test.format ||
				got.Original.Bytes != int64(len(test.body)) || reply.header.Get("Location") != media.StatusURL(got.ID) {
				t.Errorf("got %s, location %q", reply.body, reply.header.Get("Location"))
			}
			body, info, err := h.Input.Get(t.Context(), media.OriginalKey(got.ID), maxImage)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(body, test.body) || info.ContentType != string(test.format) || info.Metadata["preset"] != test.preset {
				t.Errorf("stored %d bytes as %+v", len(body), info)
			}
			again := decode[media.Manifest](t, h.do("GET", reply.header.Get("Location"), nil), http.StatusOK)
			if !reflect.DeepEqual(again, got) {
				t.Errorf("the status says %+v", again)
			}
			if secret, err := media.ParseSecret(decode[uploadStatus](t, reply, http.StatusAccepted).Secret); err != nil || !secret.Opens(got.ID) {
				t.Errorf("the secret is not that of the upload: %v", err)
			}
		})
	}
}

func TestImagesAreRefused(t *testing.T) {
	h := start(t, func(c *Config) { c.Limits.Bytes = maxImage * 2 })
	tests := []struct {
		name, query, contentType string
		body                     []byte
		want                     kind
	}{
		{"empty", "", "image/png", nil, invalidRequest},
		{"empty and undeclared", "", "", nil, invalidRequest},
		{"too large", "", "image/png", make([]byte, maxImage+1), bodyTooLarge},
		{"unknown preset", "?preset=poster", "image/png", pngHead, invalidRequest},
		{"empty preset", "?preset=", "image/png", pngHead, invalidRequest},
		{"SVG", "", "image/svg+xml", []byte("<svg/>"), unsupportedType},
		{"form", "", "application/x-www-form-urlencoded", pngHead, unsupportedType},
		{"form with a file", "", "multipart/form-data; boundary=x", pngHead, unsupportedType},
		{"text", "", "text/plain", pngHead, unsupportedType},
		{"not a type", "", ";", pngHead, unsupportedType},
		{"undeclared text", "", "", []byte("hello"), unsupportedType},
		{"undeclared PDF", "", "application/octet-stream", []byte("%PDF-1.7"), unsupportedType},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			wantProblem(t, h.do("POST", "/api/v1/images"+test.query, test.body, "Content-Type", test.contentType), test.want)
		})
	}
	if got := h.originals(); got != nil {
		t.Errorf("refused images left %q", got)
	}
}

func TestImagesComeFromNoPageOfAnotherSite(t *testing.T) {
	h := start(t)
	for name, headers := range map[string][]string{
		"another site":                      {"Sec-Fetch-Site", "cross-site", "Origin", "https://other.example"},
		"another site that hides its name":  {"Sec-Fetch-Site", "cross-site", "Origin", "null"},
		"another host of the site":          {"Sec-Fetch-Site", "same-site", "Origin", "http://other.localhost"},
		"another site in an older browser":  {"Origin", "https://other.example"},
		"the older browser that hides that": {"Origin", "null"},
	} {
		for _, contentType := range []string{"", "image/png"} {
			reply := h.do("POST", "/api/v1/images", pngHead, append(headers, "Content-Type", contentType)...)
			if got := wantProblem(t, reply, crossOrigin); got.Detail == "" {
				t.Errorf("%s: no detail", name)
			}
		}
	}
	if got := h.originals(); got != nil {
		t.Errorf("stored %q", got)
	}
	for _, headers := range [][]string{
		{"Sec-Fetch-Site", "same-origin", "Origin", h.url},
		{"Sec-Fetch-Site", "none"},
		{"Origin", h.url},
		{},
	} {
		decode[media.Manifest](t, h.do("POST", "/api/v1/images", pngHead, headers...), http.StatusAccepted)
	}
}

func TestLimitOfOriginalsHoldsForImages(t *testing.T) {
	h := start(t, func(c *Config) { c.Limits.Bytes = 10 })
	wantProblem(t, h.do("POST", "/api/v1/images", make([]byte, 11), "Content-Type", "image/png"), bodyTooLarge)
	decode[media.Manifest](t, h.do("POST", "/api/v1/images", make([]byte, 10), "Content-Type", "image/png"), http.StatusAccepted)
}

// brokenBody fails after its first bytes, as that of a client whose connection breaks.
type brokenBody struct{ io.Reader }

func (b brokenBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func TestHalfABodyIsNotStored(t *testing.T) {
	h := start(t)
	handler := New(testConfig(h.Server.Client("owner"), h.log))
	for path, contentType := range map[string]string{"/api/v1/images": "image/png", "/api/v1/uploads": "application/json"} {
		request, err := http.NewRequest("POST", "http://api"+path, brokenBody{bytes.NewReader(pngHead)})
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", contentType)
		response, err := direct{handler}.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		wantProblem(t, reply{response.StatusCode, response.Header, body}, unreadableBody)
	}
	if got := h.originals(); got != nil {
		t.Errorf("stored %q", got)
	}
}
