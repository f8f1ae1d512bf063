// Command ready says where a deployment would go, and in whose name, or what stands in its way:
//
//	ready STAGE
//
// It changes nothing. The account and the region come from the environment, as for every AWS tool. `make deploy` runs
// it before it builds anything.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/presize/presize/deploy/stack"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: ready STAGE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "not ready to deploy:", err)
		os.Exit(1)
	}
}

// stageName is what fits in the buckets' names, which have 63 characters at most.
var stageName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)

func run(ctx context.Context, stage string, out io.Writer) error {
	if !stageName.MatchString(stage) {
		return fmt.Errorf("STAGE=%q: want at most 20 lower-case letters, digits and dashes, a letter first", stage)
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	if account.Region == "" {
		return errors.New("no region: give one, as in REGION=eu-central-1")
	}
	if _, err := account.Credentials.Retrieve(ctx); err != nil {
		return fmt.Errorf("no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: %w", err)
	}
	caller, err := sts.NewFromConfig(account).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return fmt.Errorf("AWS does not take the credentials; are they expired? %w", err)
	}
	s := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(stage)}
	fmt.Fprintf(out, "deploying %s to %s in account %s, as %s\n",
		s.Name, account.Region, aws.ToString(caller.Account), aws.ToString(caller.Arn))
	return check(ctx, s, s3.NewFromConfig(account))
}

// check looks for what a deployment would fail on after minutes.
func check(ctx context.Context, s stack.Stack, objects *s3.Client) error {
	status, err := s.Status(ctx)
	switch {
	case errors.Is(err, stack.ErrNone):
		return checkLeftovers(ctx, s, objects)
	case err != nil:
		return err
	case strings.HasSuffix(status, "_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS":
		return fmt.Errorf("%s is being changed (%s): wait until that is over", s.Name, status)
	case status == "ROLLBACK_COMPLETE" || status == "ROLLBACK_FAILED" || status == "DELETE_FAILED" || status == "UPDATE_ROLLBACK_FAILED":
		return fmt.Errorf("%s is %s, which can't be updated: see its events in CloudFormation, "+
			"then `make undeploy` it or continue its rollback", s.Name, status)
	}
	return nil
}

// checkLeftovers looks for the buckets of an earlier stack of this name. A new one would fail to make them.
func checkLeftovers(ctx context.Context, s stack.Stack, objects *s3.Client) error {
	names, err := s.ExistingBuckets(ctx, objects)
	if err != nil {
		return err
	}
	if len(names) > 0 {
		return fmt.Errorf("an earlier %s has left %s behind: `make undeploy` with DATA=delete deletes them with their data; "+
			"to keep them, deploy under another name of a stage", s.Name, strings.Join(names, ", "))
	}
	return nil
}
