// Package s3event makes the events that S3 sends.
package s3event

import (
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// New returns what AWS gives to a Lambda when an object of a bucket changes. The name
// is "ObjectCreated:Put" or the like, the size is in bytes, and the ETag may be quoted.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
func New(name, region, bucket, key string, size int64, etag string) events.S3Event {
	return events.S3Event{Records: []events.S3EventRecord{{
		EventVersion: "2.1",
		EventSource:  "aws:s3",
		AWSRegion:    region,
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
