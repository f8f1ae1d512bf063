package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/presize/presize/deploy/presize/stack"
)

const checkUsage = `say where a deployment would go, or why it would fail

  presize check --stage prod
  presize check --stage prod --param domain=images.example.com

It changes nothing. make deploy runs it before it builds anything. It says in which
account and region, and in whose name, the stage would be deployed. It fails if there
are no credentials, if another deployment is under way, or if the stack can't be updated.
It names the buckets of an earlier deployment that the new stack would take over.

It reads the parameters in deploy/stages/STAGE.yml, and fails if they contradict each
other, or if the deployed stage has one that nothing sets any more. Where a removed stage
left buckets, it compares with the parameters of that one, which CloudFormation remembers
for 90 days. It warns of alarms that nobody gets, and of uploads that are open to all.

What must exist before, and would be missed only when the stage runs, it looks for: the
secret of webhooks in SSM, the function of inspectorArn, and whether the account has the
concurrent executions that apiConcurrency reserves.

IAM actions: sts:GetCallerIdentity (needs no permission), cloudformation:DescribeStacks,
cloudformation:GetTemplate, cloudformation:ListStacks, cloudformation:ListStackResources,
and s3:ListBucket on the buckets of the stage; with webhookUrl ssm:GetParameter on
/presize/STAGE/webhook-secret; with inspectorArn lambda:GetFunctionConfiguration on it, or
else a warning says that nobody has looked; with apiConcurrency lambda:GetAccountSettings,
and lambda:GetFunctionConcurrency on the API's function.
`

// destination is where a deployment goes.
type destination struct {
	Stack    string   `json:"stack"`
	Region   string   `json:"region"`
	Account  string   `json:"account"`
	Caller   string   `json:"caller"`
	Adopts   []string `json:"adopts"` // buckets of an earlier deployment
	Warnings []string `json:"warnings"`
}

func runCheck(ctx context.Context, c *call) error {
	overrides := c.parameterFlag()
	if _, err := c.parse(); err != nil {
		return err
	}
	account, d, err := locate(ctx, c.stage)
	if err != nil {
		return fmt.Errorf("not ready to deploy: %w", err)
	}
	fmt.Fprintf(c.text(), "deploying %s to %s in account %s, as %s\n", d.Stack, d.Region, d.Account, d.Caller)
	s := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: d.Stack}
	buckets, err := findKept(ctx, c, s3.NewFromConfig(account), d)
	kept := slices.Sorted(maps.Values(buckets))
	if err == nil {
		d.Warnings, err = checkParameters(ctx, s, c, *overrides, d, kept)
	}
	more, missing := checkExisting(ctx, account, c, *overrides)
	d.Warnings, err = append(d.Warnings, more...), errors.Join(err, missing)
	for _, warning := range d.Warnings {
		fmt.Fprintln(c.stderr, "warning:", warning)
	}
	if err == nil {
		d.Adopts, err = check(ctx, s, kept)
	}
	if err != nil {
		return fmt.Errorf("not ready to deploy: %w", err)
	}
	for _, name := range d.Adopts {
		fmt.Fprintf(c.text(), "the stack will take over the bucket %s, with everything in it\n", name)
	}
	return c.document(d)
}

// locate finds out where the environment leads to.
func locate(ctx context.Context, stage string) (aws.Config, destination, error) {
	var d destination
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return account, d, err
	}
	if account.Region == "" {
		return account, d, errors.New("no region: give one, as in REGION=eu-central-1")
	}
	caller, err := sts.NewFromConfig(account).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return account, d, fmt.Errorf("ask whose the credentials are: %w", err)
	}
	d = destination{
		Stack: stack.Name(stage), Region: account.Region,
		Account: aws.ToString(caller.Account), Caller: aws.ToString(caller.Arn),
	}
	return account, d, nil
}

// check looks for what a deployment would fail on after minutes, and returns those of the
// buckets of an earlier deployment that it will take over.
func check(ctx context.Context, s stack.Stack, kept []string) (adopts []string, err error) {
	can, err := canAdopt(ctx, s)
	if err != nil {
		return nil, err
	}
	status, err := s.Status(ctx)
	switch {
	case errors.Is(err, stack.ErrNone), can && len(kept) > 0:
		return append([]string{}, kept...), nil
	case err != nil:
		return nil, err
	case strings.HasSuffix(status, inProgress) && status != underReview:
		return nil, fmt.Errorf("%s is being changed (%s): wait until that is over", s.Name, status)
	case slices.Contains(stuck, status):
		return nil, fmt.Errorf("%s is %s, which can't be updated: see its events in CloudFormation, "+
			"then `make undeploy` it or continue its rollback", s.Name, status)
	}
	return []string{}, nil
}

// stuck are the statuses of stacks that can't be updated.
var stuck = []string{
	underReview, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_ROLLBACK_FAILED", "IMPORT_ROLLBACK_FAILED",
}
