package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// patience is how long one image may take, its repetitions after failures included.
const patience = 3 * time.Minute

// manifest is what is used of a manifest.
type manifest struct {
	Status    string    `json:"status"`
	Variants  []variant `json:"variants"`
	Rejection struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	} `json:"rejection"`
}

type variant struct {
	ContentType string `json:"contentType"`
	URL         string `json:"url"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
}

// outcome is the status and the code of a rejection as expected.json has them.
func (m manifest) outcome() string {
	if m.Status == "rejected" {
		return "rejected:" + m.Rejection.Code
	}
	return m.Status
}

// widest is the largest JPEG.
func (m manifest) widest() variant {
	jpegs := slices.DeleteFunc(slices.Clone(m.Variants), func(v variant) bool { return v.ContentType != "image/jpeg" })
	return slices.MaxFunc(jpegs, func(a, b variant) int { return cmp.Compare(a.Width, b.Width) })
}

// upload puts a file as a client does, and waits until it is ready or rejected.
func upload(url, contentType string, file []byte) (manifest, error) {
	request, err := json.Marshal(map[string]any{"contentType": contentType, "bytes": len(file)})
	if err != nil {
		return manifest{}, err
	}
	var grant struct {
		Upload struct {
			Method  string            `json:"method"`
			URL     string            `json:"url"`
			Headers map[string]string `json:"headers"`
		} `json:"upload"`
		StatusURL string `json:"statusUrl"`
	}
	headers := map[string]string{"Content-Type": "application/json"}
	if _, err := send(http.MethodPost, url+"/api/v1/uploads", headers, request, &grant); err != nil {
		return manifest{}, err
	}
	if _, err := send(grant.Upload.Method, grant.Upload.URL, grant.Upload.Headers, file, nil); err != nil {
		return manifest{}, err
	}
	return wait(url + grant.StatusURL)
}

// wait asks for an upload's status until it is final. The service holds each answer
// for a while, and does not know the upload at once.
func wait(url string) (m manifest, err error) {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		status, err := send(http.MethodGet, url, map[string]string{"Prefer": "wait=10"}, nil, &m)
		switch {
		case err != nil && status != http.StatusNotFound:
			return m, err
		case err == nil && m.Status != "processing":
			return m, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return m, fmt.Errorf("no result after %v", patience)
}

// send makes a request and reads its answer into result, if that is not nil.
func send(method, url string, headers map[string]string, body []byte, result any) (status int, err error) {
	request, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return response.StatusCode, err
	}
	if response.StatusCode >= 300 {
		return response.StatusCode, fmt.Errorf("%s %s: status %d: %s", method, request.URL.Path, response.StatusCode, answer)
	}
	if result == nil {
		return response.StatusCode, nil
	}
	return response.StatusCode, json.Unmarshal(answer, result)
}
