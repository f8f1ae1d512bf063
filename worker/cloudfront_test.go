package worker

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"

	"github.com/presize/presize/internal/media"
)

// cloudFront answers CreateInvalidation of CloudFront's API, version 2020-05-31.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
type cloudFront struct {
	t *testing.T

	mu       sync.Mutex
	down     bool
	requests int
	batches  map[string]string // path by caller reference
}

type invalidationBatch struct {
	XMLName         xml.Name `xml:"http://cloudfront.amazonaws.com/doc/2020-05-31/ InvalidationBatch"`
	CallerReference string   `xml:"CallerReference"`
	Quantity        int      `xml:"Paths>Quantity"`
	Paths           []string `xml:"Paths>Items>Path"`
}

func (c *cloudFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if r.Method != http.MethodPost || r.URL.Path != "/2020-05-31/distribution/EDFDVBD6EXAMPLE/invalidation" ||
		!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/") {
		c.t.Errorf("%s %s, %s", r.Method, r.URL, r.Header)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	var batch invalidationBatch
	if err := xml.Unmarshal(body, &batch); err != nil || batch.Quantity != 1 || len(batch.Paths) != 1 || len(batch.CallerReference) > 128 {
		c.t.Errorf("batch %s: %v", body, err)
	}
	known, repeated := c.batches[batch.CallerReference]
	switch {
	case c.down:
		c.fail(w, http.StatusBadRequest, "TooManyInvalidationsInProgress")
		return
	case repeated && known != batch.Paths[0]:
		c.fail(w, http.StatusBadRequest, "InvalidationBatchAlreadyExists")
		return
	}
	c.batches[batch.CallerReference] = batch.Paths[0]
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `<?xml version="1.0"?><Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
		<Id>I%d</Id><Status>InProgress</Status><CreateTime>2026-01-02T15:04:05Z</CreateTime></Invalidation>`, len(c.batches))
}

func (c *cloudFront) fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
		<Error><Type>Sender</Type><Code>%s</Code></Error><RequestId>b25f48e8</RequestId></ErrorResponse>`, code)
}

// invalidated returns the paths of the invalidations so far.
func (c *cloudFront) invalidated() (paths []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, path := range c.batches {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func (c *cloudFront) setDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

func newDistribution(t *testing.T) (*cloudFront, Distribution) {
	t.Helper()
	c := &cloudFront{t: t, batches: make(map[string]string)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, Distribution{ID: "EDFDVBD6EXAMPLE", Client: cloudfront.New(cloudfront.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer:      aws.NopRetryer{},
	})}
}

func TestRemovalInvalidatesOnceHoweverOftenItsEventComes(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	c, distribution := newDistribution(t)
	h.config.CDN = distribution
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	if got := c.invalidated(); got != nil {
		t.Errorf("publishing invalidated %q", got)
	}
	h.remove(id)
	c.setDown(true)
	if err := h.handle(t.Context(), deleted(id)); err == nil || !strings.Contains(err.Error(), "TooManyInvalidationsInProgress") {
		t.Errorf("got %v", err)
	}
	c.setDown(false)
	for range 3 {
		h.mustHandle(deleted(id))
	}
	path := "/i/" + string(id) + "/*"
	if got := c.invalidated(); !slices.Equal(got, []string{path}) || c.requests != 4 {
		t.Errorf("%d requests invalidated %q", c.requests, got)
	}
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.remove(id)
	h.mustHandle(created(id)) // another event, and another removal
	if got := c.invalidated(); !slices.Equal(got, []string{path, path}) {
		t.Errorf("invalidated %q", got)
	}
}
