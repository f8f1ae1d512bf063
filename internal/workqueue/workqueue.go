// Package workqueue is the worker's access to the SQS queue that its events come from.
package workqueue

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// SQS is one queue. It needs the IAM actions sqs:SendMessage and
// sqs:ChangeMessageVisibility on it.
type SQS struct {
	Client *sqs.Client
	URL    string
}

// Send puts a message into the queue, where it can be received after a delay of at most
// 15 minutes.
func (q SQS) Send(ctx context.Context, body string, delay time.Duration) error {
	_, err := q.Client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: &body, DelaySeconds: seconds(delay)})
	if err != nil {
		return fmt.Errorf("send to the queue: %w", err)
	}
	return nil
}

// ChangeVisibility lets a message that was received come back after a delay of at most 12
// hours, instead of after the visibility timeout of the queue.
func (q SQS) ChangeVisibility(ctx context.Context, receipt string, delay time.Duration) error {
	_, err := q.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.URL, ReceiptHandle: &receipt, VisibilityTimeout: seconds(delay),
	})
	if err != nil {
		return fmt.Errorf("change the visibility of a message: %w", err)
	}
	return nil
}

func seconds(d time.Duration) int32 { return int32(d / time.Second) }
