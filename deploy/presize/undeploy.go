package main

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os/exec"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/deploy/presize/stack"
)

const undeployUsage = `remove a deployed stage, after asking

  presize undeploy --stage prod
  presize undeploy --stage prod --data
  presize undeploy --stage prod --abandon-queues

The stack goes, after its protection from deletion. Its buckets stay, with everything in
them, and the next deployment of the stage takes them over. With --data they go too, and
so do those that an earlier run left behind. You have to type the stage's name. It can be
stopped anywhere and run again.

It refuses while events wait in a queue, because they would be lost with it: uploads and
deletions that the worker has not done, and webhooks that are not delivered. It says how
many, and how to drain the queues. With --abandon-queues they are given up. With --data,
only webhooks count. Stop the uploads first: events that S3 sends later are lost too.

It runs in the repository's root, with the packages in deploy/node_modules: make undeploy
installs them.

IAM actions: what osls needs to remove the stack;
sts:GetCallerIdentity (needs no permission), cloudformation:DescribeStacks,
cloudformation:UpdateTerminationProtection, cloudformation:ListStacks,
cloudformation:ListStackResources; s3:ListBucket on the buckets;
sqs:GetQueueAttributes on the queues; with --data also s3:ListBucketVersions and
s3:DeleteBucket on the buckets, and s3:DeleteObject and s3:DeleteObjectVersion on their
objects.
`

const osls = "deploy/node_modules/.bin/osls"

func runUndeploy(ctx context.Context, c *call) error {
	data := c.flags.Bool("data", false, "also delete the buckets, with everything in them")
	abandon := c.flags.Bool("abandon-queues", false, "give up the events that wait in the queues")
	if _, err := c.parse(); err != nil {
		return err
	}
	account, d, err := locate(ctx, c.stage)
	if err != nil {
		return err
	}
	objects := s3.NewFromConfig(account)
	fixed, err := findKept(ctx, c, objects, d)
	if err != nil {
		return err
	}
	deployed := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(c.stage)}
	removed, err := removal{
		stage:   c.stage,
		region:  account.Region,
		data:    *data,
		abandon: *abandon,
		stack:   deployed,
		fixed:   slices.Sorted(maps.Values(fixed)),
		objects: objects,
		queues:  sqs.NewFromConfig(account),
		in:      c.stdin,
		out:     c.text(),
		removeStack: func(ctx context.Context) error {
			if _, err := fs.Stat(c.checkout, osls); err != nil {
				return fmt.Errorf("osls is missing: run make undeploy, or npm ci --prefix deploy, in the repository's root (%w)", err)
			}
			if err := deployed.Unprotect(ctx); err != nil {
				return err
			}
			cmd := exec.CommandContext(ctx, osls, "remove", "--stage", c.stage, "--region", account.Region)
			cmd.Stdout, cmd.Stderr = c.text(), c.stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("osls remove: %w", err)
			}
			return nil
		},
	}.run(ctx)
	if err != nil {
		return err
	}
	return c.document(removed)
}
