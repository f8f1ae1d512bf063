package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

const (
	// fewestWorkers and mostWorkers are what an event source mapping of SQS allows.
	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
	fewestWorkers, mostWorkers = 2, 1000
	// holdingLimit is the limit below which no answer is held. A held answer takes one of
	// the executions for some seconds: a handful of clients that wait would take all that a
	// new account has, and nobody would get a grant. A function sees only its own request,
	// so that it can't tell how many others are held.
	holdingLimit = 100
)

// capacity returns the parameters that share an account's concurrent executions between
// the worker and the API. limit is how many no function has reserved. The worker gets
// half of them: it takes them only while there is work, and the API needs the others to
// go on beside it.
func capacity(limit int) map[string]string {
	parameters := map[string]string{"workerConcurrency": fmt.Sprint(min(max(limit/2, fewestWorkers), mostWorkers))}
	if limit < holdingLimit {
		parameters["heldAnswers"] = "0"
	}
	return parameters
}

// accountLimit returns how many concurrent executions the account has that no function
// has reserved. A new account has ten.
func accountLimit(ctx context.Context) (int, error) {
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return 0, err
	}
	settings, err := lambda.NewFromConfig(account).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return 0, fmt.Errorf("read the account's limit of concurrent executions: %w", err)
	}
	if settings.AccountLimit == nil {
		return 0, fmt.Errorf("the account has no limit of concurrent executions")
	}
	return int(aws.ToInt32(settings.AccountLimit.UnreservedConcurrentExecutions)), nil
}
