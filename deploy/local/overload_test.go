//go:build !quick

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/worker/renderer/renderertest"
)

var overload = flag.Duration("overload", 6*time.Second, "how long the stack gets twice as many uploads as it can render")

// crowd is many clients of a stack, and what they have seen.
type crowd struct {
	url    string
	client *http.Client
	photo  []byte

	mu         sync.Mutex
	grants     []time.Duration // how long each took
	held, shed int             // answers to clients that wait
	failed     map[media.ID]bool
	left       map[media.ID]media.Status // how each upload ended
}

// TestOverloadFailsAndLosesNothing gives the stack twice as many uploads as it can render,
// and kills renderers meanwhile. It takes -overload 5m for a proof.
func TestOverloadFailsAndLosesNothing(t *testing.T) {
	photo := phototest.Read(t, "test.png")
	var data string
	stack := startStack(t, func(s *settings) { data = s.data })
	crowd := &crowd{
		url: stack.url, photo: photo, failed: make(map[media.ID]bool), left: make(map[media.ID]media.Status),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}, // the S3 server takes 1000 connections
	}
	began := time.Now()
	crowd.run(t, began.Add(*overload))
	slices.Sort(crowd.grants)
	quantile := func(q float64) time.Duration {
		return crowd.grants[int(q*float64(len(crowd.grants)-1))].Round(time.Millisecond)
	}
	t.Logf("%d uploads in %v: all settled after %v; grants: half within %v, 99 of 100 within %v, all within %v; "+
		"answers to clients that wait: %d held, %d shed; %d called failed", len(crowd.left), *overload,
		time.Since(began).Round(time.Second), quantile(0.5), quantile(0.99), quantile(1), crowd.held, crowd.shed, len(crowd.failed))

	dead := deadLetters(t, data)
	stack = newClient(t, stack.url) // with time of its own
	for id := range crowd.left {
		var m media.Manifest
		stack.sendJSON("GET", media.StatusURL(id), nil, http.StatusOK, &m)
		switch {
		case crowd.failed[id] && m.Status != media.Failed:
			t.Errorf("%s was called failed, and is %s", id, m.Status)
		case m.Status == media.Failed && dead[media.OriginalKey(id)] == 0:
			t.Errorf("%s has failed, and its event is in no queue", id)
		case m.Status != media.Failed && !m.Complete:
			t.Errorf("%s is %s, and not complete", id, m.Status)
		}
	}
}

// run lets clients upload a photo each, two new ones for each that has its images, until a
// moment. So twice as many come as are rendered, however fast the machine is. It returns
// when all uploads are settled.
func (c *crowd) run(t *testing.T, until time.Time) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience+4**overload)
	defer cancel()
	settled := make(chan error)
	running := 0
	start := func(count int) {
		for range count {
			running++
			go func() { settled <- c.upload(ctx) }()
		}
	}
	start(8)
	for done := 1; running > 0; done++ {
		if err := <-settled; err != nil {
			t.Error(err)
		}
		running--
		if time.Now().Before(until) {
			start(2)
		}
		if done%50 == 0 {
			renderertest.Kill(t)
		}
	}
}

// upload is one client: it uploads, and waits until the upload is settled.
func (c *crowd) upload(ctx context.Context) error {
	var g granted
	began := time.Now()
	request := fmt.Appendf(nil, `{"contentType":"image/png","bytes":%d}`, len(c.photo))
	answer, err := c.send(ctx, "POST", c.url+"/api/v1/uploads", request, map[string]string{"Content-Type": "application/json"}, &g)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusCreated {
		return fmt.Errorf("grant: %s", answer.Status)
	}
	c.mu.Lock()
	c.grants = append(c.grants, time.Since(began))
	c.left[g.ID] = ""
	c.mu.Unlock()
	answer, err = c.send(ctx, g.Upload.Method, g.Upload.URL, c.photo, g.Upload.Headers, nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		return fmt.Errorf("put: %s, %w", answer.Status, err)
	}
	for {
		var m media.Manifest
		answer, err := c.send(ctx, "GET", c.url+media.StatusURL(g.ID), nil, map[string]string{"Prefer": "wait=20"}, &m)
		if err != nil {
			return fmt.Errorf("status: %s: %w", answer.Status, err)
		}
		shed := answer.Header.Get("Retry-After")
		c.count(g.ID, m, shed != "")
		if m.Settled() {
			return nil
		}
		seconds, err := strconv.Atoi(cmp.Or(shed, "0"))
		if err != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(seconds) * time.Second):
		case <-ctx.Done():
			return fmt.Errorf("%s is still %s: %w", g.ID, m.Status, ctx.Err())
		}
	}
}

func (c *crowd) count(id media.ID, m media.Manifest, shed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.left[id] = m.Status
	if m.Status == media.Failed {
		c.failed[id] = true
	}
	if shed {
		c.shed++
	} else {
		c.held++
	}
}

// send sends a request and decodes the answer if it is to be.
func (c *crowd) send(ctx context.Context, method, url string, body []byte, headers map[string]string, into any) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return &http.Response{}, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && into != nil {
		err = json.Unmarshal(answer, into)
	}
	return response, err
}
