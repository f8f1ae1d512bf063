package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// deleteBucket deletes a bucket with everything in it, all versions included, and returns how many these were. A
// bucket that is gone is no error.
func deleteBucket(ctx context.Context, client *s3.Client, name string) (count int, err error) {
	defer func() {
		var response *awshttp.ResponseError
		if errors.As(err, &response) && response.HTTPStatusCode() == http.StatusNotFound {
			err = nil
		}
		if err != nil {
			err = fmt.Errorf("delete bucket %s: %w", name, err)
		}
	}()
	for {
		// Always the first page: what was on the one before is gone. A page has at most 1000 entries, which is what
		// one DeleteObjects takes.
		page, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: &name})
		if err != nil {
			return count, err
		}
		var objects []types.ObjectIdentifier
		for _, version := range page.Versions {
			objects = append(objects, types.ObjectIdentifier{Key: version.Key, VersionId: version.VersionId})
		}
		for _, marker := range page.DeleteMarkers {
			objects = append(objects, types.ObjectIdentifier{Key: marker.Key, VersionId: marker.VersionId})
		}
		if len(objects) == 0 {
			break
		}
		if err := deleteObjects(ctx, client, name, objects); err != nil {
			return count, err
		}
		count += len(objects)
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	return count, err
}

func deleteObjects(ctx context.Context, client *s3.Client, name string, objects []types.ObjectIdentifier) error {
	out, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: &name,
		Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)},
	})
	if err != nil {
		return err
	}
	var failures []error
	for _, failure := range out.Errors { // each has an answer of its own, in a response that is a success
		failures = append(failures, fmt.Errorf("%s: %s", aws.ToString(failure.Key), aws.ToString(failure.Message)))
	}
	return errors.Join(failures...)
}
