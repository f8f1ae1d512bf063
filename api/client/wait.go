package client

import (
	"context"
	"net/http"
	"time"
)

// Between two requests for a status passes at least this time, in case that the service does not
// hold its answer until something changes. It may ask for a longer time then, of which
// longestPause is given at most.
const (
	shortestPause = 500 * time.Millisecond
	longestWait   = 5 * time.Second
)

// WaitReady waits until every size of an upload is ready in WebP and JPEG.
func (c *Client) WaitReady(ctx context.Context, upload Upload) (Manifest, error) {
	return c.wait(ctx, upload, func(m Manifest) bool { return m.Status == Ready })
}

// WaitComplete waits until every variant of an upload is ready, AVIF included.
func (c *Client) WaitComplete(ctx context.Context, upload Upload) (Manifest, error) {
	return c.wait(ctx, upload, func(m Manifest) bool { return m.Complete })
}

// wait asks for the status of an upload until reached reports true.
func (c *Client) wait(ctx context.Context, upload Upload, reached func(Manifest) bool) (Manifest, error) {
	for pause := shortestPause; ; pause = min(pause*3/2, longestWait) {
		asked := time.Now()
		manifest, asks, err := c.status(ctx, upload, "absolute-urls, wait=20")
		switch {
		case err != nil:
			return Manifest{}, err
		case manifest.Status == Rejected && manifest.Rejection != nil:
			return manifest, &RejectedError{*manifest.Rejection, manifest}
		case manifest.Status == Failed:
			failed := &FailedError{Manifest: manifest}
			if manifest.Failure != nil {
				failed.Detail = manifest.Failure.Detail
			}
			return manifest, failed
		case reached(manifest):
			return manifest, nil
		}
		if err := c.sleep(ctx, max(pause, min(asks, longestPause))-time.Since(asked)); err != nil {
			return Manifest{}, err
		}
	}
}

// status asks for the status of an upload. It returns the pause that the service asks for, too.
func (c *Client) status(ctx context.Context, upload Upload, prefer string) (Manifest, time.Duration, error) {
	var manifest Manifest
	header, err := c.call(ctx, call{method: http.MethodGet, path: upload.path(), secret: upload.Secret, prefer: prefer}, &manifest)
	if err != nil {
		return Manifest{}, 0, err
	}
	return manifest, parseRetryAfter(header.Get("Retry-After")), manifest.resolve(c.endpoint)
}
