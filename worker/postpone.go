package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
)

const (
	// minPostponed and maxPostponed bound how long an event waits for CloudFront, each
	// time; the second one is the longest delay of SQS.
	minPostponed = 30 * time.Second
	maxPostponed = 15 * time.Minute
	// longestPostponed is how long an event waits for CloudFront in all.
	longestPostponed = 24 * time.Hour
)

// errThrottled is the error of an invalidation that CloudFront has refused for now. Other
// services have errors of the same code, EventBridge for one, which are failures.
var errThrottled = errors.New("CloudFront does no more invalidations for now")

// isThrottled reports whether CloudFront has refused an invalidation for now.
func isThrottled(err error) bool { return errors.Is(err, errThrottled) }

// throttled marks the error of an invalidation that CloudFront has refused for now.
func throttled(err error) error {
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.ErrorCode() {
	case "TooManyInvalidationsInProgress", "Throttling", "ThrottlingException":
		return fmt.Errorf("%w: %w", errThrottled, err)
	}
	return err
}

// postponed wraps an event whose invalidation CloudFront has refused.
type postponed struct {
	Invalidate     bool            `json:"invalidate"`
	Since          time.Time       `json:"since"` // when it began to wait
	RequestPayload json.RawMessage `json:"requestPayload"`
}

// mayPostpone reports whether an event only waits for CloudFront, which does so many
// invalidations with a wildcard at a time, and no more:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
func (d *delivery) mayPostpone(jobs []Job, err error) bool {
	return isThrottled(err) && len(jobs) > 0 && time.Since(d.wrapped().Since) < longestPostponed
}

// wrapped returns the message's event in a wrapper. An event that is redriven after it has
// waited for as long as possible waits anew: no other one is sent so late.
func (d *delivery) wrapped() postponed {
	var event postponed
	if json.Unmarshal([]byte(d.message.Body), &event) != nil || !event.Invalidate {
		event = postponed{Invalidate: true, RequestPayload: json.RawMessage(d.message.Body)}
	}
	milliseconds, err := strconv.ParseInt(d.message.Attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return event
	}
	if sent := time.UnixMilli(milliseconds).UTC(); sent.Sub(event.Since) >= longestPostponed {
		event.Since = sent
	}
	return event
}

// postpone sends an event again, as a message of its own: waiting for CloudFront counts
// as no try, and the receive count of a message can't be taken back. The longer an event
// has waited, the longer it waits; by chance, so that many events don't come back at once.
func (d *delivery) postpone(ctx context.Context) error {
	event := d.wrapped()
	document, err := json.Marshal(event)
	if err != nil {
		return err
	}
	delay := min(max(time.Since(event.Since), minPostponed), maxPostponed)
	return d.Queue.Send(ctx, string(document), delay/2+rand.N(delay/2))
}
