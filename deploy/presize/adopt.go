package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stage"
)

const adoptUsage = `take the buckets of an earlier deployment into a new stack

  presize adopt --stage prod

The buckets outlive their stack. A new stack can't make buckets of names that are taken,
so adopt makes a stack of the buckets alone, by an import of CloudFormation and an update
that adds outputs. The deployment after it adds the rest. What is in the buckets is not
touched. Where there is no bucket, or a stack that was deployed, it does nothing. It can
be stopped anywhere and run again. make deploy runs it.

IAM actions: sts:GetCallerIdentity (needs no permission), cloudformation:DescribeStacks,
cloudformation:ListStackResources, cloudformation:CreateChangeSet,
cloudformation:DescribeChangeSet, cloudformation:ExecuteChangeSet,
cloudformation:GetTemplate and cloudformation:UpdateStack; s3:ListBucket on the buckets,
and s3:GetBucket* and s3:Get*Configuration on them, with which CloudFormation reads their
settings.
`

// adopted is what an adoption has done.
type adopted struct {
	Stack   string   `json:"stack"`
	Buckets []string `json:"buckets"`
}

func runAdopt(ctx context.Context, c *call) error {
	if _, err := c.parse(); err != nil {
		return err
	}
	account, d, err := locate(ctx, c.stage)
	if err != nil {
		return err
	}
	s := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: d.Stack}
	kept, err := findKept(ctx, c, s3.NewFromConfig(account), d)
	if err != nil {
		return err
	}
	done := adopted{Stack: s.Name, Buckets: slices.Sorted(maps.Values(kept))}
	adopts, err := canAdopt(ctx, s)
	if err != nil {
		return err
	}
	if len(kept) == 0 {
		done.Buckets = []string{}
		return c.document(done)
	}
	if !adopts {
		done.Buckets = []string{}
	} else if err := s.Import(ctx, kept, adoptionTimeout); err != nil {
		return err
	}
	outputs, err := s.Outputs(ctx)
	if err != nil {
		return err
	}
	if len(outputs) == 0 {
		if err := s.AddOutputs(ctx, adoptionTimeout); err != nil {
			return err
		}
	}
	for _, name := range done.Buckets {
		fmt.Fprintf(c.text(), "The stack %s has taken over the bucket %s.\n", s.Name, name)
	}
	return c.document(done)
}

// adoptionTimeout bounds each of the waits of an adoption, which usually take seconds.
const adoptionTimeout = 10 * time.Minute

const (
	// underReview is the status of a stack that has a change set and nothing else yet.
	underReview = "REVIEW_IN_PROGRESS"
	// importFailed is the status of a stack that is as before an import: one that has only
	// been made for the import is empty.
	importFailed = "IMPORT_ROLLBACK_COMPLETE"
)

// canAdopt reports whether buckets can be imported: there is no stack yet, or only what an
// earlier adoption has left.
func canAdopt(ctx context.Context, s stack.Stack) (bool, error) {
	status, err := s.Status(ctx)
	switch {
	case errors.Is(err, stack.ErrNone):
		return true, nil
	case err != nil:
		return false, err
	case status == importFailed:
		return s.IsEmpty(ctx)
	}
	return status == underReview, nil
}

// findKept returns those buckets of fixed names that there are, by their ids in the
// template. It fails if one belongs to another account.
func findKept(ctx context.Context, c *call, objects *s3.Client, d destination) (map[string]string, error) {
	buckets, err := stage.Buckets(c.checkout, c.stage, d.Account, d.Region)
	if err != nil {
		return nil, err
	}
	for id, name := range buckets {
		_, err := objects.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name, ExpectedBucketOwner: &d.Account})
		var response *awshttp.ResponseError
		if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
			delete(buckets, id)
			continue
		}
		if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusForbidden {
			return nil, fmt.Errorf("the bucket %s belongs to another account, or s3:ListBucket is not allowed: %w", name, err)
		}
		if err != nil {
			return nil, fmt.Errorf("look for bucket %s: %w", name, err)
		}
	}
	return buckets, nil
}
