package s3local

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Statement is one statement of a bucket policy, in the language of IAM.
type Statement struct {
	Sid       string   `json:"Sid"`
	Effect    string   `json:"Effect"`
	Principal string   `json:"Principal"` // an account's name
	Action    []string `json:"Action"`
	Resource  []string `json:"Resource"`
}

// setUp creates a bucket if needed, and applies its configuration.
func setUp(ctx context.Context, client *s3.Client, bucket Bucket) error {
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket:          &bucket.Name,
		ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced,
	})
	var owned *types.BucketAlreadyOwnedByYou
	if err != nil && !errors.As(err, &owned) {
		return err
	}
	if len(bucket.Statements) > 0 {
		policy, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": bucket.Statements})
		if err != nil {
			return err
		}
		if _, err := client.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{
			Bucket: &bucket.Name,
			Policy: aws.String(string(policy)),
		}); err != nil {
			return err
		}
	}
	if len(bucket.CORS) == 0 {
		return nil
	}
	_, err = client.PutBucketCors(ctx, &s3.PutBucketCorsInput{
		Bucket:            &bucket.Name,
		CORSConfiguration: &types.CORSConfiguration{CORSRules: bucket.CORS},
	})
	return err
}
