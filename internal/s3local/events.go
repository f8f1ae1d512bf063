package s3local

import (
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/gofiber/fiber/v3"
	versity "github.com/versity/versitygw/s3event"

	"github.com/presize/presize/internal/s3event"
)

// NewEvent returns the event that the server sends when an object of a bucket
// changes, in AWS's own shape: see [s3event.New].
func NewEvent(name, bucket, key string, size int64, etag string) events.S3Event {
	return s3event.New(name, Region, bucket, key, size, etag)
}

// eventSender gives the server's events to a function. They differ from AWS's:
// the event name has the prefix "s3:", the key is not escaped, the ETag is quoted.
type eventSender func(events.S3Event)

// SendEvent is called by the server within the request that caused the event.
func (send eventSender) SendEvent(ctx fiber.Ctx, meta versity.EventMeta) {
	name := strings.TrimPrefix(string(meta.EventName), "s3:")
	relevant := strings.HasPrefix(name, "ObjectCreated:") || name == "ObjectRemoved:Delete"
	path := strings.Clone(ctx.Path()) // the server uses the request's memory again
	bucket, key, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if send == nil || !relevant || !ok {
		return
	}
	send(NewEvent(name, bucket, key, meta.ObjectSize, aws.ToString(meta.ObjectETag)))
}

func (eventSender) Close() error { return nil }
