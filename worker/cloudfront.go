package worker

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
)

// Invalidator makes a CDN forget what it has cached.
type Invalidator interface {
	// Invalidate forgets what is under path, which is host-relative and ends with a
	// "*" where everything that starts like it is meant. Of several calls with the
	// same path and reference only the first one needs to have an effect.
	Invalidate(ctx context.Context, path, reference string) error
}

// Distribution is a CloudFront distribution as an [Invalidator]. It needs the IAM
// action cloudfront:CreateInvalidation on the distribution.
type Distribution struct {
	Client *cloudfront.Client
	ID     string
}

// Invalidate returns when CloudFront has taken the order, not when every edge has
// carried it out. An order that CloudFront had before, with the same reference, it
// neither repeats nor charges for.
func (d Distribution) Invalidate(ctx context.Context, path, reference string) error {
	_, err := d.Client.CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: &d.ID,
		InvalidationBatch: &types.InvalidationBatch{
			CallerReference: &reference,
			Paths:           &types.Paths{Quantity: new(int32(1)), Items: []string{path}},
		},
	})
	if err != nil {
		return fmt.Errorf("invalidate %s: %w", path, err)
	}
	return nil
}
