// Package invalidation is presize's only way to CloudFront.
package invalidation

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
)

// CloudFront is one CloudFront distribution. It needs the IAM action
// cloudfront:CreateInvalidation on the distribution.
type CloudFront struct {
	Client *cloudfront.Client
	ID     string
}

// Invalidate makes CloudFront forget what it has cached under paths, which are
// host-relative and escaped as in a URL, and end with a "*" where everything that
// starts like them is meant. It returns when CloudFront has taken the order, not
// when every edge has carried it out.
//
// An order that CloudFront had before, with the same reference, it neither repeats
// nor charges for. The same reference with other paths is an error.
func (c CloudFront) Invalidate(ctx context.Context, reference string, paths ...string) error {
	_, err := c.Client.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: &c.ID,
		InvalidationBatch: &types.InvalidationBatch{
			CallerReference: &reference,
			Paths:           &types.Paths{Quantity: new(int32(len(paths))), Items: paths},
		},
	})
	if err != nil {
		return fmt.Errorf("invalidate %s: %w", strings.Join(paths, ", "), err)
	}
	return nil
}
