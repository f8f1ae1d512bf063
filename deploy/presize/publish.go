package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/invalidation"
	"github.com/presize/presize/web"
)

const publishUsage = `make the functions of a deployed stage live, and publish the page of web/

  presize publish --stage prod

A deployment changes the functions, but callers go on with the versions that were live
before. publish makes a version of each function and points the aliases to these versions,
all of them together. It records the versions for a rollback, and deletes those that
belong to no deployment which osls keeps.

Then it brings the site bucket to what web/ holds, and tells the CDN to forget what it
replaced. Only what changed is put. It can be stopped anywhere and run again. make deploy
runs it last; run it alone when only the page has changed.

IAM actions: cloudformation:DescribeStacks, cloudformation:GetTemplate and
cloudformation:ListStackResources; lambda:GetFunctionConfiguration, lambda:PublishVersion,
lambda:GetAlias, lambda:UpdateAlias, lambda:ListVersionsByFunction and
lambda:DeleteFunction on the functions; s3:ListBucket on the site bucket and osls's
bucket, and s3:GetObject, s3:PutObject and s3:DeleteObject on their objects;
cloudfront:CreateInvalidation on the distribution.
`

// publication is what was published.
type publication struct {
	URL         string   `json:"url"`
	Versions    versions `json:"versions"` // that are live
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
	release, outputs, err := openRelease(ctx, account, c.stage, c.text())
	if err != nil {
		return err
	}
	name, distribution, url := outputs["SiteBucketName"], outputs["DistributionId"], outputs["SiteUrl"]
	if name == "" || distribution == "" || url == "" {
		return errors.New("the stack has no outputs SiteBucketName, DistributionId and SiteUrl")
	}
	versions, err := release.publish(ctx)
	if err != nil {
		return fmt.Errorf("make the functions live: %w", err)
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
	published.URL, published.Versions = url, versions
	fmt.Fprintln(c.text(), url)
	return c.document(published)
}
