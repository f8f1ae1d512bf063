// Package eventbus puts events on a bus of EventBridge. It is presize's only access to
// EventBridge.
package eventbus

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/presize/presize/internal/media"
)

// Source is the source of every event, for the patterns of rules.
const Source = "presize"

// EventBridge is one bus. It needs the IAM action events:PutEvents on the bus.
type EventBridge struct {
	Client *eventbridge.Client
	Bus    string // its name
}

// Notify puts events on the bus, at most ten. It fails unless EventBridge has taken all of
// them. It returns when they are stored, not when they are delivered.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (b EventBridge) Notify(ctx context.Context, events ...media.Event) error {
	var entries []types.PutEventsRequestEntry
	for _, event := range events {
		detail, err := event.Data.Encode()
		if err != nil {
			return err
		}
		entries = append(entries, types.PutEventsRequestEntry{
			EventBusName: &b.Bus,
			Source:       aws.String(Source),
			DetailType:   aws.String(string(event.Type)),
			Time:         &event.Timestamp,
			Detail:       aws.String(string(detail)),
		})
	}
	answer, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return fmt.Errorf("put events: %w", err)
	}
	if answer.FailedEntryCount == 0 {
		return nil
	}
	var failures []error
	for i, entry := range answer.Entries {
		if entry.ErrorCode != nil && i < len(events) {
			failures = append(failures, fmt.Errorf("%s: %s: %s", events[i].Type, *entry.ErrorCode, aws.ToString(entry.ErrorMessage)))
		}
	}
	return fmt.Errorf("put events: %d of %d failed: %w", answer.FailedEntryCount, len(events), errors.Join(failures...))
}
