package notify

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// SQS is a queue of SQS. It needs the IAM action sqs:ChangeMessageVisibility on the queue.
type SQS struct {
	Client *sqs.Client
	URL    string
}

// ChangeVisibility implements [Queue]. SQS hides a message for twelve hours at most.
func (q SQS) ChangeVisibility(ctx context.Context, receipt string, delay time.Duration) error {
	_, err := q.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl:          &q.URL,
		ReceiptHandle:     &receipt,
		VisibilityTimeout: int32(delay / time.Second),
	})
	return err
}

// secretsAge is how long secrets are kept that were read: so long a new one needs to be
// used everywhere.
const secretsAge = 5 * time.Minute

// SSMSecrets returns the secrets in a SecureString of SSM, which it reads again after five
// minutes. It needs the IAM action ssm:GetParameter on the parameter.
func SSMSecrets(client *ssm.Client, parameter string) Secrets {
	var mu sync.Mutex
	var secrets []string
	var readAt time.Time
	return func(ctx context.Context) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		if secrets != nil && time.Since(readAt) < secretsAge {
			return secrets, nil
		}
		output, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &parameter, WithDecryption: aws.Bool(true)})
		if err != nil {
			return nil, fmt.Errorf("read the webhook secret %s: %w", parameter, err)
		}
		found, err := ParseSecrets(aws.ToString(output.Parameter.Value))
		if err != nil {
			return nil, err
		}
		secrets, readAt = found, time.Now()
		return secrets, nil
	}
}
