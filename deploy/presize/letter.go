package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

// letter is an event in a dead-letter queue.
type letter struct {
	Message  string         `json:"message"`         // its id
	ID       media.ID       `json:"id"`              // of the upload; empty if the event is about none
	Key      string         `json:"key,omitempty"`   // of the original; empty for a webhook
	Event    string         `json:"event,omitempty"` // the eventId of a webhook
	Sent     time.Time      `json:"sent"`            // when S3 sent it, or the latest redrive
	Receives int            `json:"receives"`
	State    finished.State `json:"state,omitempty"` // only where it was looked up
	Error    string         `json:"error"`           // empty if it is not known

	body, receipt string
}

// originalGone is the state of an upload that was deleted.
const originalGone finished.State = "gone"

func (l letter) String() string {
	what, why := string(cmp.Or(l.State, "no upload")), "see the worker's log"
	if l.Event != "" {
		what, why = l.Event, "see the log of notify"
	}
	return fmt.Sprintf("%s  %s old, received %s, %s: %s", cmp.Or(string(l.ID), l.Message), about(time.Since(l.Sent)),
		plural(l.Receives, "time"), what, cmp.Or(l.Error, why))
}

// open reads a message of the dead-letter queue.
func (r *redrive) open(message types.Message) letter {
	if r.webhooks {
		return openWebhook(message)
	}
	return openLetter(message)
}

// newLetter returns a letter without what its body says.
func newLetter(message types.Message) letter {
	l := letter{Message: aws.ToString(message.MessageId), body: aws.ToString(message.Body), receipt: aws.ToString(message.ReceiptHandle)}
	number := func(name types.MessageSystemAttributeName) int64 {
		n, _ := strconv.ParseInt(message.Attributes[string(name)], 10, 64) // SQS writes numbers
		return n
	}
	l.Sent = time.UnixMilli(number(types.MessageSystemAttributeNameSentTimestamp)).UTC()
	l.Receives = int(number(types.MessageSystemAttributeNameApproximateReceiveCount))
	return l
}

// openWebhook reads a message of the dead-letter queue of webhooks: an event as EventBridge
// delivers it.
func openWebhook(message types.Message) letter {
	l := newLetter(message)
	var event struct {
		Detail media.EventData `json:"detail"`
	}
	if err := json.Unmarshal([]byte(l.body), &event); err != nil {
		l.Error = fmt.Sprintf("not an event of presize: %v", err)
	}
	l.ID, l.Event = event.Detail.ID, event.Detail.EventID
	return l
}

// keyInEvent finds the key of the original in an event, however that is wrapped.
var keyInEvent = regexp.MustCompile(media.OriginalPrefix + "[a-z2-7]{26}")

// openLetter reads a message of the failure queue.
func openLetter(message types.Message) letter {
	l := newLetter(message)
	if l.Key = keyInEvent.FindString(l.body); l.Key == "" {
		l.Error = "not an event about an original"
	}
	l.ID, _ = media.ParseOriginalKey(l.Key)
	// The record of a failed invocation has the error itself.
	// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
	var record struct {
		ResponsePayload struct {
			ErrorMessage string `json:"errorMessage"`
		} `json:"responsePayload"`
	}
	if json.Unmarshal([]byte(l.body), &record) == nil {
		l.Error = cmp.Or(record.ResponsePayload.ErrorMessage, l.Error)
	}
	return l
}

// lookUp completes a letter with what the buckets know of its upload.
func (s service) lookUp(ctx context.Context, l letter) (letter, error) {
	if l.ID == "" {
		return l, nil
	}
	upload, err := s.Look(ctx, l.ID)
	if errors.Is(err, bucket.ErrNotFound) {
		l.State = originalGone
		return l, nil
	}
	if err != nil {
		return l, err
	}
	l.State = upload.State
	if upload.Manifest != nil && upload.Manifest.Failure != nil {
		l.Error = cmp.Or(l.Error, upload.Manifest.Failure.Detail)
	}
	return l, nil
}

// filter says which events are redriven. The zero filter lets all pass.
type filter struct {
	newerThan, olderThan time.Duration // 0 for any age
	error                string
}

// passes reports whether a letter is to be redriven.
func (f filter) passes(l letter, now time.Time) bool {
	age := now.Sub(l.Sent)
	return (f.newerThan == 0 || age < f.newerThan) && age > f.olderThan &&
		strings.Contains(strings.ToLower(l.Error), strings.ToLower(f.error))
}
