// Command lambda is the sender of webhooks as an AWS Lambda function behind a queue. It
// reads these variables:
//
//	PRESIZE_WEBHOOK_URL     where webhooks are sent to, https only; required
//	PRESIZE_WEBHOOK_SECRET  SSM parameter with the secret, or two with a space between them; required
//	PRESIZE_WEBHOOK_QUEUE   URL of the queue; required
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/worker/notify"
)

func main() {
	log := metric.NewLog(os.Stdout, lambdacontext.FunctionName)
	n, err := newNotify(context.Background(), env.New(os.LookupEnv), log)
	if err != nil {
		log.Error("notify not started", "err", err)
		os.Exit(1)
	}
	lambda.Start(n.Handle)
}

// newNotify puts the sender together as the environment says.
func newNotify(ctx context.Context, vars *env.Reader, log *slog.Logger) (*notify.Notify, error) {
	url, secret, queue := vars.String("PRESIZE_WEBHOOK_URL"), vars.String("PRESIZE_WEBHOOK_SECRET"), vars.String("PRESIZE_WEBHOOK_QUEUE")
	if err := vars.Err(); err != nil {
		return nil, err
	}
	if err := notify.ParseURL(url, false); err != nil {
		return nil, errors.Join(errors.New("PRESIZE_WEBHOOK_URL"), err)
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return notify.New(notify.Config{
		URL:     url,
		Secrets: notify.SSMSecrets(ssm.NewFromConfig(account), secret),
		Client:  notify.NewClient(notify.Public),
		Queue:   notify.SQS{Client: sqs.NewFromConfig(account), URL: queue},
		Delay:   notify.Backoff,
		Log:     log,
	}), nil
}
