// Package invalidationtest gives tests a CloudFront that takes invalidations.
package invalidationtest

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

	"github.com/presize/presize/internal/invalidation"
)

const distributionID = "EDFDVBD6EXAMPLE"

// CloudFront answers CreateInvalidation of CloudFront's API, version 2020-05-31,
// and writes down what it is told to forget.
// https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
type CloudFront struct {
	t   testing.TB
	url string

	mu       sync.Mutex
	down     bool
	requests int
	order    []string            // of the references
	batches  map[string][]string // paths by caller reference
	running  int                 // paths with a wildcard, in invalidations in progress
}

// maxRunning is how many paths with a wildcard can be in progress at a time.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
const maxRunning = 15

// Start runs a CloudFront until the test ends.
func Start(t testing.TB) *CloudFront {
	t.Helper()
	c := &CloudFront{t: t, batches: make(map[string][]string)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// Distribution is the only distribution there is. Its client sends each request
// once, by way of transport if that is not nil.
func (c *CloudFront) Distribution(transport http.RoundTripper) invalidation.CloudFront {
	return invalidation.CloudFront{ID: distributionID, Client: cloudfront.New(cloudfront.Options{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(c.url),
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		Retryer:      aws.NopRetryer{},
		HTTPClient:   &http.Client{Transport: transport},
	})}
}

// Invalidated returns the paths of each invalidation so far. Repeated orders count once.
func (c *CloudFront) Invalidated() (batches [][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, reference := range c.order {
		batches = append(batches, c.batches[reference])
	}
	return batches
}

// Requests returns how many requests there were, failed and repeated ones included.
func (c *CloudFront) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// SetDown says whether invalidations are refused.
func (c *CloudFront) SetDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
}

// Complete completes all invalidations in progress. Until then they count.
func (c *CloudFront) Complete() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = 0
}

type invalidationBatch struct {
	XMLName         xml.Name `xml:"http://cloudfront.amazonaws.com/doc/2020-05-31/ InvalidationBatch"`
	CallerReference string   `xml:"CallerReference"`
	Quantity        int      `xml:"Paths>Quantity"`
	Paths           []string `xml:"Paths>Items>Path"`
}

// wellFormed reports whether CloudFront would take the batch.
func (b invalidationBatch) wellFormed() bool {
	relative := !slices.ContainsFunc(b.Paths, func(path string) bool { return !strings.HasPrefix(path, "/") })
	return b.Quantity == len(b.Paths) && len(b.Paths) > 0 && relative && b.CallerReference != "" && len(b.CallerReference) <= 128
}

// wildcards returns how many paths of the batch have one.
func (b invalidationBatch) wildcards() (count int) {
	for _, path := range b.Paths {
		if strings.HasSuffix(path, "*") {
			count++
		}
	}
	return count
}

func (c *CloudFront) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if r.Method != http.MethodPost || r.URL.Path != "/2020-05-31/distribution/"+distributionID+"/invalidation" ||
		!strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=key/") {
		c.t.Errorf("%s %s, %s", r.Method, r.URL, r.Header)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	var batch invalidationBatch
	if err := xml.Unmarshal(body, &batch); err != nil || !batch.wellFormed() {
		c.t.Errorf("batch %s: %v", body, err)
	}
	known, repeated := c.batches[batch.CallerReference]
	switch {
	case c.down:
		fail(w, "TooManyInvalidationsInProgress")
		return
	case repeated && !slices.Equal(known, batch.Paths):
		fail(w, "InvalidationBatchAlreadyExists")
		return
	case !repeated && c.running+batch.wildcards() > maxRunning:
		fail(w, "TooManyInvalidationsInProgress")
		return
	case !repeated:
		c.running += batch.wildcards()
		c.order = append(c.order, batch.CallerReference)
		c.batches[batch.CallerReference] = batch.Paths
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `<?xml version="1.0"?><Invalidation xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
		<Id>I%d</Id><Status>InProgress</Status><CreateTime>2026-01-02T15:04:05Z</CreateTime></Invalidation>`, len(c.batches))
}

func fail(w http.ResponseWriter, code string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `<?xml version="1.0"?><ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/">
		<Error><Type>Sender</Type><Code>%s</Code></Error><RequestId>b25f48e8</RequestId></ErrorResponse>`, code)
}
