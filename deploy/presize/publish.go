package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/invalidation"
	"github.com/presize/presize/web"
)

const publishUsage = `publish the page of web/ to a deployed stage

  presize publish --stage prod

It brings the site bucket to what web/ holds, and tells the CDN to forget what it
replaced. Only what changed is put. It can be stopped anywhere and run again. make deploy
runs it last; run it alone when only the page has changed.

IAM actions: cloudformation:DescribeStacks; s3:ListBucket on the site bucket, and
s3:GetObject, s3:PutObject and s3:DeleteObject on its objects;
cloudfront:CreateInvalidation on the distribution.
`

// publication is what was published.
type publication struct {
	URL         string   `json:"url"`
	Put         []string `json:"put"`
	Removed     []string `json:"removed"`
	Invalidated []string `json:"invalidated"` // paths
}

func runPublish(ctx context.Context, c *call) error {
	if _, err := c.parse(); err != nil {
		return err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	deployed := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(c.stage)}
	outputs, err := deployed.Outputs(ctx)
	if err != nil {
		return err
	}
	name, distribution, url := outputs["SiteBucketName"], outputs["DistributionId"], outputs["SiteUrl"]
	if name == "" || distribution == "" || url == "" {
		return errors.New("the stack has no outputs SiteBucketName, DistributionId and SiteUrl")
	}
	page := site{
		files:  web.FS,
		bucket: bucket.New(s3.NewFromConfig(account), name),
		cdn:    invalidation.CloudFront{Client: cloudfront.NewFromConfig(account), ID: distribution},
		out:    c.text(),
	}
	published, err := page.publish(ctx)
	if err != nil {
		return err
	}
	published.URL = url
	fmt.Fprintln(c.text(), url)
	return c.document(published)
}
