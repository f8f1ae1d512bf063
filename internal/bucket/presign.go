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
	SHA256      string            // base64 of the body's digest; "" allows any bytes
	Metadata    map[string]string // lower-case names, ASCII values
	TTL         time.Duration     // how long from now the grant can be used
}

// Presigned is the request of a grant. Its holder must send it unchanged.
type Presigned struct {
	Method  string
	URL     string
	Headers map[string]string // every header to send, except Host and Content-Length
}

// PresignPut signs a grant. The signature covers size, type, checksum, metadata, and
// If-None-Match, which makes the grant work once. S3 answers 403 to a request that
// differs, and 412 if the object already exists.
//
// It sends no request to S3.
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

// newPresigner keeps every header a header. By default the SDK moves some of them into
// the query string. There the client would not see them as headers to send, and some
// S3-compatible servers ignore them.
func newPresigner(client *s3.Client) *s3.PresignClient {
	return s3.NewPresignClient(client, func(o *s3.PresignOptions) {
		o.Presigner = v4.NewSigner(func(o *v4.SignerOptions) {
			o.DisableHeaderHoisting = true
			o.DisableURIPathEscaping = true // S3 signs keys without a second escaping
		})
	})
}
