// Package invalidation removes files from CloudFront's caches. It is presize's only access
// to CloudFront.
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

// Invalidate removes the copies of paths from CloudFront's caches. A path is relative to
// the host and escaped as in a URL; with a "*" at its end it stands for everything that
// starts with it. Invalidate returns when CloudFront has accepted the invalidation, not
// when every edge has completed it.
//
// CloudFront neither repeats nor charges an invalidation with the same reference and the
// same paths. The same reference with other paths is an error.
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
