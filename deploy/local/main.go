// Command local runs all of presize on one machine: the upload API, the worker, an S3 server, and
// in place of CloudFront a CDN part that serves page and images. It listens on two ports of the
// loopback interface. API and worker are the same code as on AWS.
//
// It reads these variables:
//
//	PRESIZE_PORT            port of page, API and images (8080)
//	PRESIZE_S3_PORT         port of the S3 server, to which clients upload (9000)
//	PRESIZE_DATA            folder for all data (.data)
//	PRESIZE_MAX_BYTES       largest original, in bytes (52428800)
//	PRESIZE_MAX_MEGAPIXELS  most pixels of an image, all frames together, in millions (100)
//	PRESIZE_MAX_FRAMES      most frames of an animation (300)
//	PRESIZE_JWT_ISSUER      URL of an OpenID provider, whose tokens the API then requires
//	PRESIZE_JWT_AUDIENCE    audiences of these tokens, separated by commas; required with an issuer
//	PRESIZE_ALLOWED_ORIGINS other origins whose pages may use the service, separated by commas
//	PRESIZE_WEBHOOK_URL     where events are sent to; plain HTTP only to this machine
//	PRESIZE_WEBHOOK_SECRET  what webhooks are signed with: whsec_ and base64, one or two; required with a URL
//	PRESIZE_INSPECTOR_URL   what is asked by POST before an upload is published
//
// The renderer is the program of that name in the folder of this one.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
)

// settings are the settings from the environment.
type settings struct {
	port    int
	s3Port  int
	data    string // a folder
	presets media.Presets
	limits  media.Limits

	renderer               string // its program
	libraries              string // folders for its loader, separated by colons
	jwtIssuer, jwtAudience string // both or neither
	allowedOrigins         []string
	backend                backend
}

func main() {
	settings, err := readSettings(os.LookupEnv)
	if err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err = run(ctx, settings, os.Stdout, log)
	if err != nil && !errors.Is(err, context.Canceled) { // Ctrl-C during the start is no error
		exit(err)
	}
}

func exit(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func readSettings(lookup func(string) (string, bool)) (settings, error) {
	reader := env.New(lookup)
	s := settings{
		port:   int(reader.Int("PRESIZE_PORT", 8080, 1, 65535)),
		s3Port: int(reader.Int("PRESIZE_S3_PORT", 9000, 1, 65535)),
		data:   reader.StringOr("PRESIZE_DATA", ".data"),
		limits: reader.Limits(),

		libraries:   reader.StringOr("LD_LIBRARY_PATH", ""),
		jwtIssuer:   reader.StringOr("PRESIZE_JWT_ISSUER", ""),
		jwtAudience: reader.StringOr("PRESIZE_JWT_AUDIENCE", ""),
	}
	if origins := reader.StringOr("PRESIZE_ALLOWED_ORIGINS", ""); origins != "" {
		s.allowedOrigins = strings.Split(origins, ",")
	}
	var err, besideErr, backendErr error
	s.presets, err = presets.Shipped()
	s.renderer, besideErr = renderer.Beside()
	s.backend, backendErr = readBackend(reader)
	err = errors.Join(err, besideErr, backendErr, reader.Err())
	if s.port == s.s3Port {
		err = errors.Join(err, fmt.Errorf("PRESIZE_PORT and PRESIZE_S3_PORT are both %d: set one of them to another port", s.port))
	}
	if (s.jwtIssuer == "") != (s.jwtAudience == "") {
		err = errors.Join(err, errors.New("PRESIZE_JWT_ISSUER and PRESIZE_JWT_AUDIENCE: set both or neither"))
	}
	return s, err
}
