package s3local

import (
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/gofiber/fiber/v3"
	"github.com/versity/versitygw/s3event"
)

// NewEvent returns what AWS gives to a Lambda when an object of a bucket changes.
// The name is "ObjectCreated:Put" or the like, the size is in bytes, and the ETag
// may be quoted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func NewEvent(name, bucket, key string, size int64, etag string) events.S3Event {
	return events.S3Event{Records: []events.S3EventRecord{{
		EventVersion: "2.1",
		EventSource:  "aws:s3",
		AWSRegion:    Region,
		EventTime:    time.Now().UTC(),
		EventName:    name,
		S3: events.S3Entity{
			SchemaVersion:   "1.0",
			ConfigurationID: "originals",
			Bucket:          events.S3Bucket{Name: bucket, Arn: "arn:aws:s3:::" + bucket},
			Object: events.S3Object{
				Key:  strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"),
				Size: size,
				ETag: strings.Trim(etag, `"`),
			},
		},
	}}}
}

// eventSender gives the server's events to a function. They differ from AWS's:
// the event name has the prefix "s3:", the key is not escaped, the ETag is quoted.
type eventSender func(events.S3Event)

// SendEvent is called by the server within the request that caused the event.
func (send eventSender) SendEvent(ctx fiber.Ctx, meta s3event.EventMeta) {
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
