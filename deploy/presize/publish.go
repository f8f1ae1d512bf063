// Command site publishes the page: it brings the site bucket of a deployed stage to what web/ holds, and tells the
// CDN to forget what it replaced.
//
//	site STAGE
//
// The account and the region come from the environment, as for every AWS tool. It needs the IAM actions
// cloudformation:DescribeStacks, on the site bucket s3:ListBucket and on its objects s3:GetObject, s3:PutObject and
// s3:DeleteObject, and on the distribution cloudfront:CreateInvalidation. `make deploy` runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/stack"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/invalidation"
	"github.com/presize/presize/web"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: site STAGE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "site:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, stage string) error {
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	deployed := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(stage)}
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
		out:    os.Stdout,
	}
	if err := page.publish(ctx); err != nil {
		return err
	}
	fmt.Println(url)
	return nil
}
