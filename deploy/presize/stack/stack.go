// Package stack asks CloudFormation about a deployed stack, for the commands that
// work on one. It needs the IAM actions cloudformation:DescribeStacks, GetTemplate,
// ListStacks and ListStackResources, and s3:ListBucket on the buckets.
package stack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

// ErrNone is the error for a stack that does not exist.
var ErrNone = errors.New("there is no such stack")

// Stack is a stack, deployed or not, in the region of its client.
type Stack struct {
	Client *cloudformation.Client
	Name   string
}

// Name is the name that osls gives to the stack of a stage.
func Name(stage string) string { return "presize-" + stage }

// Status returns what CloudFormation says of the stack, such as UPDATE_COMPLETE,
// or [ErrNone].
func (s Stack) Status(ctx context.Context) (string, error) {
	stack, err := s.describe(ctx)
	return string(stack.StackStatus), err
}

// IsEmpty reports whether the stack has no resource, as after an import that failed.
func (s Stack) IsEmpty(ctx context.Context) (bool, error) {
	pages := cloudformation.NewListStackResourcesPaginator(s.Client, &cloudformation.ListStackResourcesInput{StackName: &s.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, fmt.Errorf("list what stack %s has: %w", s.Name, err)
		}
		for _, resource := range page.StackResourceSummaries {
			if resource.ResourceStatus != types.ResourceStatusImportRollbackComplete && resource.ResourceStatus != types.ResourceStatusDeleteComplete {
				return false, nil
			}
		}
	}
	return true, nil
}

// Outputs returns the stack's outputs by name, or [ErrNone].
func (s Stack) Outputs(ctx context.Context) (map[string]string, error) {
	stack, err := s.describe(ctx)
	if err != nil {
		return nil, err
	}
	outputs := make(map[string]string)
	for _, output := range stack.Outputs {
		outputs[aws.ToString(output.OutputKey)] = aws.ToString(output.OutputValue)
	}
	return outputs, nil
}

// Parameters returns the stack's parameters by name, and when it was last deployed, or
// [ErrNone].
func (s Stack) Parameters(ctx context.Context) (map[string]string, time.Time, error) {
	stack, err := s.describe(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	parameters := make(map[string]string)
	for _, parameter := range stack.Parameters {
		parameters[aws.ToString(parameter.ParameterKey)] = aws.ToString(parameter.ParameterValue)
	}
	since := stack.CreationTime
	if stack.LastUpdatedTime != nil {
		since = stack.LastUpdatedTime
	}
	return parameters, aws.ToTime(since), nil
}

func (s Stack) describe(ctx context.Context) (types.Stack, error) {
	out, err := s.Client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &s.Name})
	var fault smithy.APIError
	if errors.As(err, &fault) && fault.ErrorCode() == "ValidationError" && strings.Contains(fault.ErrorMessage(), "does not exist") {
		err = ErrNone
	}
	if err == nil && len(out.Stacks) != 1 {
		err = fmt.Errorf("CloudFormation answers with %d stacks", len(out.Stacks))
	}
	if err != nil {
		return types.Stack{}, fmt.Errorf("describe stack %s: %w", s.Name, err)
	}
	return out.Stacks[0], nil
}

// ExistingBuckets returns the names of the buckets that the stack has, and of those
// that earlier stacks of this name left behind, as far as CloudFormation remembers
// stacks that are gone: 90 days. Those that somebody has deleted since are left out.
func (s Stack) ExistingBuckets(ctx context.Context, objects *s3.Client) ([]string, error) {
	names, err := s.buckets(ctx)
	if err != nil {
		return nil, err
	}
	var existing []string
	for _, name := range names {
		_, err := objects.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
		var response *awshttp.ResponseError
		if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look for bucket %s: %w", name, err)
		}
		existing = append(existing, name)
	}
	return existing, nil
}

// artifacts is the bucket in which osls keeps what it deploys. It is osls's own, and goes with the stack.
const artifacts = "ServerlessDeploymentBucket"

// Queues returns the URLs of the queues that the stack has, by their ids in the template.
func (s Stack) Queues(ctx context.Context) (map[string]string, error) {
	return s.resources(ctx, s.Name, "AWS::SQS::Queue")
}

// buckets returns the names of all buckets that any stack of this name had, but for
// osls's own.
func (s Stack) buckets(ctx context.Context) ([]string, error) {
	stacks, err := s.all(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, stack := range stacks {
		resources, err := s.resources(ctx, aws.ToString(stack.StackId), bucketType)
		if err != nil {
			return nil, err
		}
		for logical, name := range resources {
			if logical != artifacts {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Resources returns the physical ids of the stack's resources of one type, in no order.
func (s Stack) Resources(ctx context.Context, kind string) ([]string, error) {
	found, err := s.resources(ctx, s.Name, kind)
	return slices.Collect(maps.Values(found)), err
}

// resources returns the physical ids of the resources of one type that a stack has, by
// their ids in the template. stack is a name, or the id of a stack that is gone.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListStackResources.html
func (s Stack) resources(ctx context.Context, stack, kind string) (map[string]string, error) {
	found := make(map[string]string)
	pages := cloudformation.NewListStackResourcesPaginator(s.Client, &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list what stack %s has: %w", s.Name, err)
		}
		for _, resource := range page.StackResourceSummaries {
			id := aws.ToString(resource.PhysicalResourceId)
			if aws.ToString(resource.ResourceType) == kind && id != "" && resource.ResourceStatus != types.ResourceStatusDeleteComplete {
				found[aws.ToString(resource.LogicalResourceId)] = id
			}
		}
	}
	return found, nil
}

// all returns all stacks of this name. One that is gone can only be asked for by its id.
func (s Stack) all(ctx context.Context) (stacks []types.StackSummary, _ error) {
	pages := cloudformation.NewListStacksPaginator(s.Client, &cloudformation.ListStacksInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list stacks: %w", err)
		}
		for _, stack := range page.StackSummaries {
			if aws.ToString(stack.StackName) == s.Name {
				stacks = append(stacks, stack)
			}
		}
	}
	return stacks, nil
}
