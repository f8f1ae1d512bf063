package worker

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
)

// Job is an upload that an event points at.
type Job struct {
	ID     media.ID
	Bucket string // where the event is from
	// Event is the same in every delivery of one event, and differs between the
	// events of one upload.
	Event string
	Time  time.Time // of the event, in UTC
	// Created says that the original was put, and not removed.
	Created bool
	// Invalidate says that an earlier delivery has withdrawn what was published, and that
	// the CDN has not been told.
	Invalidate bool
}

// maxEnvelopes is how many wrappings of an event are taken off.
const maxEnvelopes = 4

// ParseEvent returns the uploads whose originals came or went. It understands
//
//   - the event that S3 sends:
//     https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
//   - the one that it sends to EventBridge:
//     https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
//   - either of them in an SNS notification, or in the record of a failed invocation:
//     https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
//   - either of them as this worker has postponed it
//
// There are no jobs in S3's test event, in events of other kinds, and in those of
// objects that are not originals. What is no event at all is an error.
func ParseEvent(event []byte) ([]Job, error) { return parseEvent(event, maxEnvelopes) }

// document has the fields that tell the kinds of events apart, and those that
// matter here.
type document struct {
	Event          string                 `json:"Event"`
	Records        []events.S3EventRecord `json:"Records"`
	Source         string                 `json:"source"`
	Message        string                 `json:"Message"`
	RequestPayload json.RawMessage        `json:"requestPayload"`
	Invalidate     bool                   `json:"invalidate"`
}

func parseEvent(event []byte, envelopes int) ([]Job, error) {
	var d document
	if err := json.Unmarshal(event, &d); err != nil {
		return nil, fmt.Errorf("parse event: %w", err)
	}
	switch {
	case d.Event == "s3:TestEvent":
		return nil, nil
	case len(d.Records) > 0:
		return parseRecords(d.Records)
	case d.Source == "aws.s3":
		return parseEventBridgeEvent(event)
	case envelopes == 0:
		return nil, errors.New("parse event: too many wrappings")
	case d.Message != "":
		return parseEvent([]byte(d.Message), envelopes-1)
	case len(d.RequestPayload) > 0:
		jobs, err := parseEvent(d.RequestPayload, envelopes-1)
		for i := range jobs {
			jobs[i].Invalidate = jobs[i].Invalidate || d.Invalidate
		}
		return jobs, err
	default:
		return nil, errors.New("parse event: not an event of S3 in any known wrapping")
	}
}

func parseRecords(records []events.S3EventRecord) (jobs []Job, _ error) {
	for _, record := range records {
		if record.EventSource != "aws:s3" {
			return nil, fmt.Errorf("parse event: record of %q, want aws:s3", record.EventSource)
		}
		// Not LifecycleExpiration: where originals expire, what was made of them stays.
		if !strings.HasPrefix(record.EventName, "ObjectCreated:") && !strings.HasPrefix(record.EventName, "ObjectRemoved:Delete") {
			continue
		}
		object := record.S3.Object
		event := cmp.Or(object.Sequencer, record.EventTime.UTC().Format(time.RFC3339Nano))
		created := strings.HasPrefix(record.EventName, "ObjectCreated:")
		jobs = appendJob(jobs, record.S3.Bucket.Name, object.URLDecodedKey, event, record.EventTime, created)
	}
	return jobs, nil
}

// parseEventBridgeEvent reads the event that S3 sends to EventBridge. Unlike in
// S3's own events, keys are not escaped there.
func parseEventBridgeEvent(event []byte) ([]Job, error) {
	var e struct {
		DetailType string    `json:"detail-type"`
		Time       time.Time `json:"time"`
		Detail     struct {
			Reason string
			Bucket struct{ Name string }
			Object struct{ Key, Sequencer string }
		} `json:"detail"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("parse EventBridge event: %w", err)
	}
	expired := e.Detail.Reason == "Lifecycle Expiration"
	if e.DetailType != "Object Created" && (e.DetailType != "Object Deleted" || expired) {
		return nil, nil
	}
	sequence := cmp.Or(e.Detail.Object.Sequencer, e.Time.UTC().Format(time.RFC3339Nano))
	return appendJob(nil, e.Detail.Bucket.Name, e.Detail.Object.Key, sequence, e.Time, e.DetailType == "Object Created"), nil
}

// appendJob adds the job for a key if it is an original's.
func appendJob(jobs []Job, bucket, key, event string, at time.Time, created bool) []Job {
	if id, ok := media.ParseOriginalKey(key); ok {
		jobs = append(jobs, Job{ID: id, Bucket: bucket, Event: event, Time: at.UTC(), Created: created})
	}
	return jobs
}

// parseQueue returns the messages of an SQS event, and false if it is none.
func parseQueue(event []byte) ([]events.SQSMessage, bool) {
	var queue events.SQSEvent
	err := json.Unmarshal(event, &queue)
	isQueue := err == nil && len(queue.Records) > 0 && queue.Records[0].EventSource == "aws:sqs"
	return queue.Records, isQueue
}
