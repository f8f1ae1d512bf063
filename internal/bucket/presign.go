package bucket

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Grant is the permission to put one exact object, once.
type Grant struct {
	Key         string
	ContentType string
	Bytes       int64             // exact size; at least 1
	SHA256      string            // base64 of the body's digest; "" leaves the bytes open
	Metadata    map[string]string // lower-case names, ASCII values
	TTL         time.Duration     // how long from now the grant can be used
}

// Presigned is a request that the holder of a grant sends as it is.
type Presigned struct {
	Method  string
	URL     string
	Headers map[string]string // every header to send, except Host and Content-Length
}

// PresignPut signs a grant. Size, type, checksum and metadata are part of the
// signature, and so is If-None-Match, which makes the grant work once: S3 answers
// 403 to any other request, and 412 where the object is already there.
//
// It does not talk to S3.
func (b *Bucket) PresignPut(ctx context.Context, grant Grant) (Presigned, error) {
	if grant.Bytes < 1 {
		// The SDK leaves a content length of 0 unsigned, which would allow any size.
		return Presigned{}, b.fail("presign", grant.Key, errors.New("size is not positive"))
	}
	input := &s3.PutObjectInput{
		Bucket:        &b.name,
		Key:           &grant.Key,
		ContentType:   &grant.ContentType,
		ContentLength: &grant.Bytes,
		IfNoneMatch:   aws.String("*"),
		Metadata:      grant.Metadata,
	}
	if grant.SHA256 != "" {
		input.ChecksumSHA256 = &grant.SHA256
	}
	request, err := b.presigner.PresignPutObject(ctx, input, s3.WithPresignExpires(grant.TTL))
	if err != nil {
		return Presigned{}, b.fail("presign", grant.Key, err)
	}
	headers := make(map[string]string)
	for name, values := range request.SignedHeader {
		switch name := http.CanonicalHeaderKey(name); name {
		case "Host", "Content-Length": // every client sets these by itself
		default:
			headers[name] = values[0]
		}
	}
	return Presigned{Method: request.Method, URL: request.URL, Headers: headers}, nil
}

// newPresigner keeps every header a header. By default the SDK moves some into
// the query string, where a client could not see what it has to send, and where
// S3-compatible servers do not always look.
func newPresigner(client *s3.Client) *s3.PresignClient {
	return s3.NewPresignClient(client, func(o *s3.PresignOptions) {
		o.Presigner = v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableHeaderHoisting = true
			o.DisableURIPathEscaping = true // as S3 demands: keys are signed as they are
		})
	})
}
