// Package client uploads images to a presize service:
//
//	service, err := client.New("https://images.example.com", client.Options{})
//	...
//	upload := client.NewUpload() // keep its Secret: it deletes the upload later
//	manifest, err := service.UploadFile(ctx, upload, "photo.jpg", client.Settings{Preset: "photo"})
//	...
//	fmt.Println(manifest.Variants[0].URL)
//
// The secret of an upload is made here, before the first request. So every request can be
// repeated, also by another process after a crash: it is the same upload each time.
//
// Requests that fail for a reason that may pass are repeated, with growing pauses, for some
// 15 to 30 seconds. What fails after all is one of these:
//
//   - [*RejectedError]: the file can't become an image, and never will;
//   - [*FailedError]: the service could not process the file, which is not the file's fault;
//   - [*Error]: the service or the storage refused a request;
//   - [ErrUnreadable]: the file can't be read, or has changed while it was uploaded;
//   - the error of the context, or of the network.
//
// No method has a time limit of its own for the whole: that is the context's.
package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/presize/presize/internal/media"
)

// Options are settings of a [Client]. The zero value is a good one.
type Options struct {
	// HTTP sends all requests, to the service and to the storage. It follows no redirects,
	// whatever its CheckRedirect says. Nil is a client with the transport of net/http.
	HTTP *http.Client
	// Token returns the bearer token for a service that requires sign-in. It is called for
	// every request to the service. Nil sends no token.
	Token func(context.Context) (string, error)
}

// Client uploads to one service. Its methods may be called by several goroutines at once.
type Client struct {
	endpoint *url.URL // without the path of the API
	http     *http.Client
	token    func(context.Context) (string, error)
	sleep    func(context.Context, time.Duration) error
}

// New returns a client of the service at endpoint, such as https://images.example.com. The
// path of the API, /api/v1, may be part of it.
func New(endpoint string, options Options) (*Client, error) {
	base, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("parse the endpoint: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("the endpoint %q is no URL that begins with https://", endpoint)
	}
	base.Host = strings.ToLower(base.Host)
	if base.Scheme == "https" {
		base.Host = strings.TrimSuffix(base.Host, ":443")
	} else {
		base.Host = strings.TrimSuffix(base.Host, ":80")
	}
	base.Path = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(base.Path, "/"), "/api/v1"), "/")
	base.RawPath, base.RawQuery, base.Fragment = "", "", ""
	sender := http.Client{}
	if options.HTTP != nil {
		sender = *options.HTTP
	}
	// A redirected POST turns into a GET, and the secret's header would go to another host.
	sender.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{endpoint: base, http: &sender, token: options.Token, sleep: sleep}, nil
}

// Endpoint returns the URL of the service: the same for all ways in which [New] takes it, such
// as with and without the path of the API.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// Upload names one upload.
type Upload struct {
	ID string
	// Secret proves that the upload is ours: it renews the grant, deletes the upload and
	// shows a private one. It may be empty for uploads of which only the id is known.
	Secret string
}

// NewUpload returns an upload with a fresh random secret. Use it for one file only.
func NewUpload() Upload {
	secret := media.NewSecret()
	return Upload{ID: string(secret.ID()), Secret: secret.Reveal()}
}

// ParseSecret returns the upload that a secret belongs to.
func ParseSecret(secret string) (Upload, error) {
	parsed, err := media.ParseSecret(secret)
	if err != nil {
		return Upload{}, err // does not quote the secret
	}
	return Upload{ID: string(parsed.ID()), Secret: secret}, nil
}

// ParseID returns the upload of an id, without its secret.
func ParseID(id string) (Upload, error) {
	if _, err := media.ParseID(id); err != nil {
		return Upload{}, fmt.Errorf("%q: %w", id, err)
	}
	return Upload{ID: id}, nil
}

// Status tells how far an upload is, whatever its status.
func (c *Client) Status(ctx context.Context, upload Upload) (Manifest, error) {
	manifest, _, err := c.status(ctx, upload, "absolute-urls")
	return manifest, err
}

// Delete deletes an upload and its images. It needs the secret, or the token of the owner.
// That the upload does not exist any more is no error.
func (c *Client) Delete(ctx context.Context, upload Upload) error {
	_, err := c.call(ctx, call{method: http.MethodDelete, path: upload.path(), secret: upload.Secret}, nil)
	var refused *Error
	if errors.As(err, &refused) && refused.Code == "upload-not-found" {
		return nil // an earlier answer may have been lost
	}
	return err
}

// path is that of the upload's status.
func (u Upload) path() string { return "/api/v1/uploads/" + url.PathEscape(u.ID) }

// sleep waits. It fails with the context's error when that ends first.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
