package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// stallTimeout is how long a transfer may make no progress.
	stallTimeout = time.Minute
	// expectFrom is the size in bytes from which the storage is asked before the file is sent.
	// It then refuses a file that it has already without the transfer.
	expectFrom = 1 << 20
)

// grant is the permission to send one file.
type grant struct {
	Method  string
	URL     string
	Headers map[string]string
}

// put sends a file to the storage, with retries.
func (c *Client) put(ctx context.Context, grant grant, file File, settings Settings) error {
	return c.retry(ctx, func() error {
		settings.report(Uploading, 0, file.Bytes)
		return c.putOnce(ctx, grant, file, settings)
	})
}

var errStalled = errors.New("no progress for a minute")

func (c *Client) putOnce(ctx context.Context, grant grant, file File, settings Settings) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stalled := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	defer stalled.Stop()
	body := &content{ctx: ctx, Reader: io.NewSectionReader(file.Content, 0, file.Bytes), bytes: file.Bytes, moved: func(sent int64) {
		stalled.Reset(stallTimeout)
		settings.report(Uploading, sent, file.Bytes)
	}}
	request, err := http.NewRequestWithContext(ctx, grant.Method, grant.URL, io.NopCloser(body))
	if err != nil {
		return err
	}
	request.ContentLength = file.Bytes
	for name, value := range grant.Headers {
		request.Header.Set(name, value)
	}
	if file.Bytes >= expectFrom {
		request.Header.Set("Expect", "100-continue")
	}
	response, err := c.http.Do(request)
	fault := body.end()
	if err == nil {
		defer response.Body.Close()
	}
	switch {
	case fault != nil:
		return fmt.Errorf("%w: %w", ErrUnreadable, fault)
	case err != nil:
		return &networkError{"send the file", err}
	}
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	switch {
	case response.StatusCode >= 200 && response.StatusCode <= 299, response.StatusCode == http.StatusPreconditionFailed:
		// 412: the file has arrived already, and an earlier answer was lost.
		return nil
	case err != nil:
		return &networkError{"read the storage's answer", err}
	}
	refused := storageRefusal(response, answer)
	if refused.isDamaged() {
		return fmt.Errorf("%w: it has changed since it was read first, or was damaged on the way: %w", ErrUnreadable, refused)
	}
	return refused
}

// content is a file that is being read, maybe by a goroutine of net/http that reads on after the
// request has ended.
type content struct {
	io.Reader
	ctx   context.Context
	bytes int64 // that it must have
	moved func(done int64)

	mu    sync.Mutex
	over  bool
	done  int64
	fault error // of the file
}

func (c *content) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := context.Cause(c.ctx); err != nil {
		return 0, err
	}
	if c.over {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Reader.Read(p)
	if err != nil && err != io.EOF {
		c.fault = err
	}
	if n > 0 {
		c.done += int64(n)
		c.moved(c.done)
	}
	if err == io.EOF && c.done < c.bytes {
		c.fault = fmt.Errorf("it has %d bytes instead of %d", c.done, c.bytes) // it was cut off meanwhile
		return n, c.fault
	}
	return n, err
}

// end makes later reads fail, and returns the error with which reading the file has failed, if
// it has.
func (c *content) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
	return c.fault
}
