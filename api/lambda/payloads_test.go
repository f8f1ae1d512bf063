package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

func TestGrantPayloads(t *testing.T) {
	payloads := payloads(t)
	_, function := start(t)
	for _, name := range []string{"grant", "grant-base64"} {
		t.Run(name, func(t *testing.T) {
			response := invoke(t, function, payloads[name])
			grant := body[struct {
				ID     media.ID
				Upload struct {
					URL     string
					Headers map[string]string
				}
			}](t, response, 201)
			want := map[string]string{
				"Content-Type":        "image/jpeg",
				"If-None-Match":       "*",
				"X-Amz-Meta-Preset":   "card",
				"X-Amz-Meta-Filename": "Caf%C3%A9%20%E2%98%83.jpg",
			}
			if !maps.Equal(grant.Upload.Headers, want) {
				t.Errorf("headers: got %q, want %q", grant.Upload.Headers, want)
			}
			if !strings.Contains(grant.Upload.URL, "X-Amz-Expires=60&") || !strings.Contains(grant.Upload.URL, media.OriginalKey(grant.ID)) {
				t.Errorf("URL: %s", grant.Upload.URL)
			}
			if response.Headers["Location"] != media.StatusURL(grant.ID) || response.Headers["Content-Type"] != "application/json" {
				t.Errorf("headers: %v", response.Headers)
			}
		})
	}
	problem := body[struct{ Type, Instance string }](t, invoke(t, function, payloads["grant-invalid"]), 422)
	if problem.Type != "urn:presize:problem:invalid-request" || problem.Instance != "urn:presize:request:"+requestID {
		t.Errorf("got %+v", problem)
	}
}

func TestBinaryBodiesComeThroughExactly(t *testing.T) {
	payloads := payloads(t)
	storage, function := start(t)
	every := []byte("\x89PNG\r\n\x1a\n")
	for i := range 256 {
		every = append(every, byte(i))
	}
	largest := bytes.Repeat(every, (4<<20)/len(every)+1)[:4<<20]
	tests := []struct {
		name    string
		payload []byte
		want    []byte
		preset  string
	}{
		{"with query", payloads["image"], every, "avatar"},
		{"without type", payloads["image-untyped"], every, "photo"},
		{"largest", withBody(t, payloads["image"], largest), largest, "avatar"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			manifest := body[media.Manifest](t, invoke(t, function, test.payload), 202)
			got, info, err := storage.Input.Get(t.Context(), media.OriginalKey(manifest.ID), 4<<20)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, test.want) || info.ContentType != "image/png" || info.Metadata["preset"] != test.preset {
				t.Errorf("stored %d bytes as %+v, want %d", len(got), info, len(test.want))
			}
		})
	}
	if response := invoke(t, function, withBody(t, payloads["image"], append(largest, 0))); response.StatusCode != 413 {
		t.Errorf("one byte more: status %d", response.StatusCode)
	}
}

// withBody gives a payload another binary body.
func withBody(t *testing.T, payload, body []byte) []byte {
	t.Helper()
	var request map[string]any
	if err := json.Unmarshal(payload, &request); err != nil {
		t.Fatal(err)
	}
	request["body"] = base64.StdEncoding.EncodeToString(body)
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func TestUploadPayloads(t *testing.T) {
	payloads := payloads(t)
	storage, function := start(t)
	for _, name := range []string{"status", "status-escaped", "status-head", "delete"} {
		if response := invoke(t, function, payloads[name]); response.StatusCode != 404 {
			t.Errorf("%s before the upload: status %d", name, response.StatusCode)
		}
	}
	manifest := media.Manifest{ID: uploadID, Status: media.Ready, Complete: true, Picture: "<picture>ü</picture>"}
	document, err := manifest.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := storage.Input.Put(t.Context(), bucket.Info{Key: media.OriginalKey(uploadID), ContentType: "image/png"}, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := storage.Output.Put(t.Context(), bucket.Info{Key: media.ManifestKey(uploadID), ContentType: "application/json"}, document); err != nil {
		t.Fatal(err)
	}

	status := invoke(t, function, payloads["status"])
	if status.StatusCode != 200 || status.Body != string(document) || status.Headers["Preference-Applied"] != "wait=1" {
		t.Errorf("status: %+v", status)
	}
	if escaped := invoke(t, function, payloads["status-escaped"]); escaped.Body != status.Body {
		t.Errorf("escaped: %+v", escaped)
	}
	head := invoke(t, function, payloads["status-head"])
	if head.StatusCode != 200 || head.Body != "" || head.Headers["Etag"] != status.Headers["Etag"] || head.Headers["Etag"] == "" {
		t.Errorf("head: %+v", head)
	}
	if deletion := invoke(t, function, payloads["delete"]); deletion.StatusCode != 202 || deletion.Body != "" {
		t.Errorf("delete: %+v", deletion)
	}
	if _, err := storage.Input.Head(t.Context(), media.OriginalKey(uploadID)); err == nil {
		t.Error("the original is still there")
	}
}

func TestUnroutedPayloadsAreProblems(t *testing.T) {
	payloads := payloads(t)
	_, function := start(t)
	problem := body[struct{ Type string }](t, invoke(t, function, payloads["path-decoded"]), 404)
	if problem.Type != "urn:presize:problem:not-found" {
		t.Errorf("path: got %s", problem.Type)
	}
	response := invoke(t, function, payloads["method-unknown"])
	if response.StatusCode != 405 || response.Headers["Allow"] != "GET, HEAD" {
		t.Errorf("method: got %+v", response)
	}
}

func TestPayloadThatIsNoneIsAnError(t *testing.T) {
	_, function := start(t)
	for _, payload := range []string{`{}`, `{"version":"1.0","path":"/"}`, `[]`, ``} {
		if output, err := function.Invoke(t.Context(), []byte(payload)); err == nil {
			t.Errorf("%q: got %s", payload, output)
		}
	}
}
