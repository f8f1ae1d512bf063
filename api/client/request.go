package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

const (
	attempts      = 6                // at one request, the first included
	firstPause    = time.Second      // before the second attempt, at most; doubled each time
	longestPause  = time.Minute      // if an answer asks for a longer one, the request fails and says so
	answerTimeout = 30 * time.Second // the service holds an answer for 20 s at most
	maxAnswer     = 4 << 20          // bytes; more than any answer has
)

// call is a request to the service.
type call struct {
	method, path string
	secret       string // of the upload, or ""
	prefer       string // the header, or ""
	body         any    // JSON, or nil
}

// call sends a request to the service, with retries, and decodes the answer unless answer is nil.
// It returns the answer's header.
func (c *Client) call(ctx context.Context, call call, answer any) (header http.Header, _ error) {
	err := c.retry(ctx, func() (err error) {
		var body []byte
		body, header, err = c.callOnce(ctx, call)
		if err != nil || answer == nil {
			return err
		}
		if err := json.Unmarshal(body, answer); err != nil {
			return fmt.Errorf("%s %s: the answer is not what a presize service sends: %w", call.method, call.path, err)
		}
		return nil
	})
	return header, err
}

func (c *Client) callOnce(ctx context.Context, call call) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := c.newRequest(ctx, call)
	if err != nil {
		return nil, nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, &networkError{"reach the service", err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, nil, &networkError{"read the service's answer", err}
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil, nil, refusal(response, body)
	}
	return body, response.Header, nil
}

func (c *Client) newRequest(ctx context.Context, call call) (*http.Request, error) {
	var body io.Reader
	if call.body != nil {
		document, err := json.Marshal(call.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(document)
	}
	request, err := http.NewRequestWithContext(ctx, call.method, c.endpoint.String()+call.path, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if call.secret != "" {
		request.Header.Set("Upload-Secret", call.secret)
	}
	if call.prefer != "" {
		request.Header.Set("Prefer", call.prefer)
	}
	if c.token != nil {
		token, err := c.token(ctx)
		if err != nil {
			return nil, fmt.Errorf("get a token: %w", err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return request, nil
}

// networkError is the error of a request without an answer.
type networkError struct {
	doing string
	err   error
}

// Error leaves out the URL that net/http puts into its errors: that of a grant is a permission.
func (e *networkError) Error() string {
	err := e.err
	var sent *url.Error
	if errors.As(err, &sent) {
		err = sent.Err
	}
	return e.doing + ": " + err.Error()
}

func (e *networkError) Unwrap() error {
	var sent *url.Error
	if errors.As(e.err, &sent) {
		return sent.Err
	}
	return e.err
}

// retry repeats an attempt that fails for a reason that may pass.
func (c *Client) retry(ctx context.Context, attempt func() error) error {
	for failures := 1; ; failures++ {
		err := attempt()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var refused *Error
		var network *networkError
		pause := backoff(failures)
		switch {
		case errors.As(err, &refused) && refused.Temporary:
			pause = max(pause, refused.RetryAfter)
		case errors.As(err, &network):
		default:
			return err
		}
		if failures == attempts || pause > longestPause {
			return err
		}
		if err := c.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// backoff is the pause after a number of failures. Half of it is random, so that clients
// that failed together do not retry together.
func backoff(failures int) time.Duration {
	most := firstPause << (failures - 1)
	return most/2 + rand.N(most/2)
}
