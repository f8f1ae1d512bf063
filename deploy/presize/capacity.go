package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
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
	_, unreserved, err := accountLimits(ctx, lambda.NewFromConfig(account))
	return unreserved, err
}

// accountLimits returns how many concurrent executions the account has, and how many of them
// no function has reserved.
func accountLimits(ctx context.Context, client *lambda.Client) (all, unreserved int, err error) {
	settings, err := client.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		return 0, 0, fmt.Errorf("read the account's limit of concurrent executions: %w", err)
	}
	if settings.AccountLimit == nil {
		return 0, 0, fmt.Errorf("the account has no limit of concurrent executions")
	}
	return int(settings.AccountLimit.ConcurrentExecutions), int(aws.ToInt32(settings.AccountLimit.UnreservedConcurrentExecutions)), nil
}

// leastUnreserved is how many executions Lambda leaves to functions that have reserved none.
// Where an account has fewer, none can be reserved.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const leastUnreserved = 100

// checkReserved fails if Lambda would not let the API's function reserve so many executions,
// in place of those that it has reserved already.
func checkReserved(ctx context.Context, client *lambda.Client, function string, reserve int) error {
	all, unreserved, err := accountLimits(ctx, client)
	if err != nil {
		return err
	}
	current, err := client.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: &function})
	var missing *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &missing) {
		return fmt.Errorf("read what %s has reserved: %w", function, err)
	}
	if err == nil {
		unreserved += int(aws.ToInt32(current.ReservedConcurrentExecutions))
	}
	if most := max(unreserved-min(leastUnreserved, all), 0); reserve > most {
		return fmt.Errorf("apiConcurrency: %d can't be reserved, only %d: the account has %d concurrent executions, "+
			"and Lambda keeps %d of them for functions that reserve none. Ask for more under Service Quotas", reserve, most, all, min(leastUnreserved, all))
	}
	return nil
}
