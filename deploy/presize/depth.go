package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// depth is how many messages a queue has. SQS counts them approximately.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-resources-required-process-messages.html
type depth struct {
	Visible  int `json:"visible"`
	InFlight int `json:"inFlight"` // received by somebody, and neither deleted nor visible again
	Delayed  int `json:"delayed"`
}

func (d depth) total() int { return d.Visible + d.InFlight + d.Delayed }

func (d depth) String() string {
	return fmt.Sprintf("%s: %d visible, %d in flight, %d delayed", plural(d.total(), "event"), d.Visible, d.InFlight, d.Delayed)
}

// depthOf returns how many messages a queue has. A queue that is gone has none.
func depthOf(ctx context.Context, client *sqs.Client, queue string) (depth, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	attributes, err := attributesOf(ctx, client, queue, names...)
	var gone *types.QueueDoesNotExist
	if errors.As(err, &gone) {
		return depth{}, nil
	}
	if err != nil {
		return depth{}, err
	}
	var counts [3]int
	for i, name := range names {
		if counts[i], err = strconv.Atoi(attributes[string(name)]); err != nil {
			return depth{}, fmt.Errorf("look at the queue %s: %s: %w", queue, name, err)
		}
	}
	return depth{counts[0], counts[1], counts[2]}, nil
}

// attributesOf returns attributes of a queue.
func attributesOf(ctx context.Context, client *sqs.Client, queue string, names ...types.QueueAttributeName) (map[string]string, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &queue, AttributeNames: names})
	if err != nil {
		return nil, fmt.Errorf("look at the queue %s: %w", queue, err)
	}
	return out.Attributes, nil
}
