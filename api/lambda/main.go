// Command lambda is the upload API as an AWS Lambda function behind an API Gateway HTTP API
// (payload format 2.0). It reads these variables:
//
//	PRESIZE_INPUT_BUCKET          name of the bucket for originals; required
//	PRESIZE_OUTPUT_BUCKET         name of the bucket with the manifests; required
//	PRESIZE_MAX_BYTES             largest original, in bytes (52428800)
//	PRESIZE_GRANT_SECONDS         validity of a grant (900)
//	PRESIZE_HELD_ANSWERS          answers that wait for a change, at a time; a function has one at most (1)
//	PRESIZE_SITE_URL              scheme and host of signed and absolute URLs; required if a preset is private
//	PRESIZE_SIGNING_KEY           SSM parameter with the private key that signs them; likewise
//	PRESIZE_SIGNING_KEY_ID        id of the public half in CloudFront; likewise
//	PRESIZE_ORIGIN_DIGESTS        SHA-256 of the secrets of which CloudFront sends one, with commas between them;
//	                              without any, requests need no secret
//
// The owner of an upload is the subject of the token that API Gateway's JWT authorizer has checked.
//
// It checks PRESIZE_MAX_MEGAPIXELS and PRESIZE_MAX_FRAMES too, but only the worker uses them.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/akrylysov/algnhsa"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/presize/presize/api"
	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/internal/origin"
	"github.com/presize/presize/internal/signed"
)

const (
	// maxGrantTTL is the session of the role whose credentials sign the URL, which ends with it.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
	maxGrantTTL = time.Hour
)

func main() {
	log := metric.NewLog(os.Stdout, lambdacontext.FunctionName)
	function, err := newFunction(context.Background(), os.LookupEnv, log)
	if err != nil {
		log.Error("the api can't start", "err", err)
		os.Exit(1)
	}
	lambda.Start(function)
}

// newFunction puts the API together as the environment says.
func newFunction(ctx context.Context, lookup func(string) (string, bool), log *slog.Logger) (lambda.Handler, error) {
	variables := env.New(lookup)
	input, output := variables.String("PRESIZE_INPUT_BUCKET"), variables.String("PRESIZE_OUTPUT_BUCKET")
	shipped, err := presets.Shipped()
	if err != nil {
		return nil, err
	}
	settings := api.Config{
		Presets:  shipped,
		Limits:   variables.Limits(),
		GrantTTL: variables.Seconds("PRESIZE_GRANT_SECONDS", api.DefaultGrantTTL, time.Second, maxGrantTTL),
		Held:     int(variables.Int("PRESIZE_HELD_ANSWERS", 1, 0, 1)),
		SiteURL:  variables.StringOr("PRESIZE_SITE_URL", ""),
		Log:      log,
	}
	var signing signing
	if shipped.HavePrivate() {
		signing.site, signing.parameter = variables.String("PRESIZE_SITE_URL"), variables.String("PRESIZE_SIGNING_KEY")
		signing.keyID = variables.String("PRESIZE_SIGNING_KEY_ID")
	}
	digests, err := originDigests(lookup)
	if err := errors.Join(variables.Err(), err); err != nil {
		return nil, err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if settings.Signer, err = newSigner(ctx, account, signing); err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(account)
	settings.Input, settings.Output = bucket.New(client, input), bucket.New(client, output)
	gateway := &algnhsa.Options{RequestType: algnhsa.RequestTypeAPIGatewayV2}
	return function{algnhsa.New(digests.Guard(withGateway(api.New(settings))), gateway)}, nil
}

func originDigests(lookup func(string) (string, bool)) (origin.Digests, error) {
	const name = "PRESIZE_ORIGIN_DIGESTS"
	text, _ := lookup(name)
	digests, err := origin.ParseDigests(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return digests, nil
}

// signing says what signed URLs are made with. It is empty if no preset is private.
type signing struct{ site, parameter, keyID string }

// newSigner reads the private key. It returns nil if there is nothing to sign.
func newSigner(ctx context.Context, account aws.Config, signing signing) (*signed.Signer, error) {
	if signing.parameter == "" {
		return nil, nil
	}
	output, err := ssm.NewFromConfig(account).GetParameter(ctx, &ssm.GetParameterInput{
		Name:           &signing.parameter,
		WithDecryption: aws.Bool(true),
	})
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", signing.parameter, err)
	}
	return signed.NewSigner(signing.site, signing.keyID, []byte(aws.ToString(output.Parameter.Value)))
}

// withGateway gives the API what API Gateway knows of a request: the id that it logs, and
// the subject of the token that its authorizer has checked.
func withGateway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if event, ok := algnhsa.APIGatewayV2RequestFromContext(r.Context()); ok {
			ctx := api.WithRequestID(r.Context(), event.RequestContext.RequestID)
			if authorizer := event.RequestContext.Authorizer; authorizer != nil && authorizer.JWT != nil {
				ctx = api.WithSubject(ctx, authorizer.JWT.Claims["sub"])
			}
			r = r.WithContext(ctx)
		}
		next.ServeHTTP(w, r)
	})
}

// function is algnhsa's translation between payloads and HTTP, corrected in one
// point. API Gateway decodes the path of an HTTP API before it hands it on,
// algnhsa decodes it again, and fails where that is not possible.
type function struct{ lambda.Handler }

// Invoke answers one payload. Its error is never the client's fault.
func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	response, err := f.Handler.Invoke(ctx, payload)
	var escape url.EscapeError
	if !errors.As(err, &escape) {
		return response, err
	}
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, fmt.Errorf("read payload: %w", err)
	}
	request.RawPath = (&url.URL{Path: request.RawPath}).EscapedPath()
	if payload, err = json.Marshal(request); err != nil {
		return nil, fmt.Errorf("write payload: %w", err)
	}
	return f.Handler.Invoke(ctx, payload)
}
