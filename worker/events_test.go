package worker

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
)

// The uploads that the documents in testdata are about.
const (
	first  media.ID = "zklycewkdo64v6wcggzzui64ju"
	second media.ID = "hyr6qfqahfmuum4jj5swjynrgq"
)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	document, err := os.ReadFile(filepath.Join(packageDir, "testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestEventsAreUnderstoodInEveryWrapping(t *testing.T) {
	const put, deleted = "0065947D05A1B2C3D4", "0065947E11C9D0E1F2"
	went := func(id media.ID, event string, milliseconds int) Job {
		at := time.Date(2026, 1, 2, 15, 4, 5, milliseconds*1e6, time.UTC)
		return Job{ID: id, Bucket: "presize-prod-input-111122223333-eu-central-1", Event: event, Time: at}
	}
	came := func(id media.ID, event string, milliseconds int) Job {
		job := went(id, event, milliseconds)
		job.Created = true
		return job
	}
	for name, want := range map[string][]Job{
		"s3-put":              {came(first, put, 678)},
		"s3-delete":           {went(first, deleted, 678)},
		"s3-delete-marker":    {went(first, deleted, 678)},
		"s3-escaped":          {came(first, "0065947D05A1B2C3D5", 678)},
		"s3-several":          {came(first, "0A", 678), went(second, "0C", 678)},
		"s3-others":           nil,
		"s3-test":             nil,
		"eventbridge-created": {came(first, put, 0)},
		"eventbridge-deleted": {went(first, put, 0)},
		"eventbridge-expired": nil,
		"eventbridge-tags":    nil,
		"eventbridge-escaped": nil, // keys are what they are there, and this one is not an original's
		"failure-record":      {came(first, put, 678)},
		"sns-notification":    {went(first, deleted, 678)},
	} {
		t.Run(name, func(t *testing.T) {
			document := testdata(t, name)
			if _, ok := parseQueue(document); ok {
				t.Error("taken for an SQS event")
			}
			got, err := ParseEvent(document)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

func TestQueueHoldsEventsInTheirWrappings(t *testing.T) {
	messages, ok := parseQueue(testdata(t, "sqs"))
	if !ok {
		t.Fatal("not taken for an SQS event")
	}
	var got []media.ID
	for _, message := range messages {
		jobs, err := ParseEvent([]byte(message.Body))
		if err != nil {
			t.Errorf("message %s: %v", message.MessageId, err)
		}
		for _, job := range jobs {
			got = append(got, job.ID)
		}
	}
	// From S3, a failure record, SNS and EventBridge; the last message is a test event.
	if want := []media.ID{first, first, first, first}; len(messages) != 5 || !slices.Equal(got, want) {
		t.Errorf("%d messages with jobs for %v, want 5 with %v", len(messages), got, want)
	}
}

func TestEventWithoutSequencerIsNamedByItsTime(t *testing.T) {
	jobs, err := ParseEvent([]byte(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put",
		"eventTime":"2026-01-02T15:04:05.678Z","s3":{"bucket":{"name":"in"},"object":{"key":"originals/` + string(first) + `"}}}]}`))
	if want := []Job{{ID: first, Bucket: "in", Event: "2026-01-02T15:04:05.678Z", Time: time.Date(2026, 1, 2, 15, 4, 5, 678e6, time.UTC), Created: true}}; err != nil || !slices.Equal(jobs, want) {
		t.Errorf("got %v, %v; want %v", jobs, err, want)
	}
}

func TestWhatIsNoEventIsAnError(t *testing.T) {
	nested := `{"Message":"x"}`
	for range maxEnvelopes {
		nested = `{"requestPayload":` + nested + `}`
	}
	for name, event := range map[string]string{
		"nothing":        ``,
		"no JSON":        `put originals/x`,
		"null":           `null`,
		"empty object":   `{}`,
		"list":           `[]`,
		"no records":     `{"Records":[]}`,
		"other records":  `{"Records":[{"eventSource":"aws:dynamodb","eventName":"INSERT"}]}`,
		"other source":   `{"source":"aws.ec2","detail-type":"Object Created","detail":{}}`,
		"bad escape":     `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{"object":{"key":"originals/%zz"}}}]}`,
		"bad payload":    `{"requestPayload":"originals/x"}`,
		"bad message":    `{"Type":"Notification","Message":"hello"}`,
		"too many wraps": nested,
	} {
		t.Run(name, func(t *testing.T) {
			if jobs, err := ParseEvent([]byte(event)); err == nil || len(jobs) > 0 {
				t.Errorf("got %v, %v; want an error", jobs, err)
			}
		})
	}
}

func FuzzParseEvent(f *testing.F) {
	documents, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(documents) == 0 {
		f.Fatal("no documents to start from", err)
	}
	for _, name := range documents {
		document, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		messages, ok := parseQueue(event)
		if ok != (len(messages) > 0 && messages[0].EventSource == "aws:sqs") {
			t.Errorf("queue with %d messages: %t", len(messages), ok)
		}
		jobs, err := parseEvent(event, maxEnvelopes-1)
		if err != nil {
			if len(jobs) > 0 {
				t.Errorf("jobs beside the error: %v", jobs)
			}
			return
		}
		for _, job := range jobs {
			if id, err := media.ParseID(string(job.ID)); err != nil || id != job.ID {
				t.Errorf("job for invalid id %q", job.ID)
			}
		}
		record, err := json.Marshal(map[string]any{"version": "1.0", "requestPayload": json.RawMessage(event)})
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseEvent(record, maxEnvelopes)
		if err != nil || !slices.Equal(again, jobs) {
			t.Errorf("out of a failure record: %v, %v; want %v", again, err, jobs)
		}
	})
}
