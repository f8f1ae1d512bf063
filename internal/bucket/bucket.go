// Package bucket is presize's only way to S3. A [Bucket] reads, writes, lists and
// deletes whole objects and presigns grants.
//
// These are the IAM actions that its methods need, on the bucket's objects unless noted
// otherwise:
//
//	Head, Get, Fetch   s3:GetObject
//	Put, Create        s3:PutObject
//	Replace            s3:PutObject, and s3:GetObject to compare
//	PresignPut         s3:PutObject (checked by S3 when the grant is used)
//	Delete             s3:DeleteObject
//	Tags               s3:GetObjectTagging
//	SetTags            s3:PutObjectTagging
//	List, ListAfter    s3:ListBucket on the bucket
//
// Head, Get and Fetch also need s3:ListBucket on the bucket: without it S3
// answers 403 instead of 404 for a missing object, and a missing object would look
// like a missing permission. Without s3:GetObjectTagging S3 does not say whether an
// object has tags.
package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Errors that callers act on. Any other error of a method is a failure of S3, after
// the SDK's own retries.
var (
	ErrNotFound = errors.New("no such object")
	ErrExists   = errors.New("object exists already")
	ErrChanged  = errors.New("object was replaced meanwhile")
	ErrTooLarge = errors.New("object is larger than expected")
	// ErrBusy is S3's throttling. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
	ErrBusy = errors.New("S3 is throttling")
)

// Bucket is one S3 bucket. It is safe for concurrent use.
type Bucket struct {
	name       string
	client     *s3.Client
	presigner  *s3.PresignClient
	downloader *manager.Downloader
	uploader   *manager.Uploader
}

// New returns the bucket of that name, reached through client.
func New(client *s3.Client, name string) *Bucket {
	return &Bucket{
		name:       name,
		client:     client,
		presigner:  newPresigner(client),
		downloader: newDownloader(client),
		uploader:   newUploader(client),
	}
}

// Name returns the bucket's name.
func (b *Bucket) Name() string { return b.name }

// Info describes an object: everything that S3 stores of it besides its bytes.
type Info struct {
	Key          string
	Size         int64 // bytes
	ETag         string
	Modified     time.Time
	ContentType  string
	CacheControl string
	Metadata     map[string]string // lower-case names, without x-amz-meta-
	Tagged       bool              // it has tags; only Head tells
}

// Head returns the description of an object, or [ErrNotFound].
func (b *Bucket) Head(ctx context.Context, key string) (Info, error) {
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return Info{}, b.fail("head", key, err)
	}
	return Info{
		Key:          key,
		Size:         aws.ToInt64(out.ContentLength),
		ETag:         aws.ToString(out.ETag),
		Modified:     aws.ToTime(out.LastModified),
		ContentType:  aws.ToString(out.ContentType),
		CacheControl: aws.ToString(out.CacheControl),
		Metadata:     out.Metadata,
		Tagged:       aws.ToInt32(out.TagCount) > 0,
	}, nil
}

// Get returns all bytes of a small object. It fails with [ErrNotFound], or with
// [ErrTooLarge] if the object has more than limit bytes.
func (b *Bucket) Get(ctx context.Context, key string, limit int64) ([]byte, Info, error) {
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return nil, Info{}, b.fail("get", key, err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, limit+1))
	if err != nil {
		return nil, Info{}, b.fail("get", key, err)
	}
	if int64(len(body)) > limit {
		return nil, Info{}, b.fail("get", key, ErrTooLarge)
	}
	return body, Info{
		Key:          key,
		Size:         int64(len(body)),
		ETag:         aws.ToString(out.ETag),
		Modified:     aws.ToTime(out.LastModified),
		ContentType:  aws.ToString(out.ContentType),
		CacheControl: aws.ToString(out.CacheControl),
		Metadata:     out.Metadata,
	}, nil
}

// Delete removes objects. It is no error if one of them does not exist.
func (b *Bucket) Delete(ctx context.Context, keys ...string) error {
	for _, key := range keys {
		_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.name, Key: &key})
		if err := b.fail("delete", key, err); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// List yields the objects whose keys start with prefix, in the order of their
// keys. Of each Info only Key, Size, ETag and Modified are set. It stops at the
// first error.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return b.ListAfter(ctx, prefix, "")
}

// ListAfter is List for the keys behind after, which need not be a key itself. It
// holds one page of at most 1000 objects at a time.
func (b *Bucket) ListAfter(ctx context.Context, prefix, after string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		input := &s3.ListObjectsV2Input{Bucket: &b.name, Prefix: &prefix}
		if after != "" {
			input.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(b.client, input)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Info{}, b.fail("list", prefix, err))
				return
			}
			for _, object := range page.Contents {
				info := Info{
					Key:      aws.ToString(object.Key),
					Size:     aws.ToInt64(object.Size),
					ETag:     aws.ToString(object.ETag),
					Modified: aws.ToTime(object.LastModified),
				}
				if !yield(info, nil) {
					return
				}
			}
		}
	}
}

// fail adds the operation to err and maps S3's answers to this package's errors.
// It returns nil for nil.
func (b *Bucket) fail(verb, key string, err error) error {
	if err == nil {
		return nil
	}
	var noBucket *types.NoSuchBucket
	var response *awshttp.ResponseError
	switch {
	case errors.As(err, &noBucket): // the bucket's name is wrong; no object is missing
	case !errors.As(err, &response):
	// What was to be replaced is gone, or another write is under way (409).
	case verb == "replace" && slices.Contains([]int{http.StatusNotFound, http.StatusConflict}, response.HTTPStatusCode()):
		err = ErrChanged
	case response.HTTPStatusCode() == http.StatusNotFound:
		err = ErrNotFound
	case response.HTTPStatusCode() == http.StatusPreconditionFailed && verb == "create":
		err = ErrExists
	case response.HTTPStatusCode() == http.StatusPreconditionFailed:
		err = ErrChanged
	case response.HTTPStatusCode() == http.StatusServiceUnavailable:
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return fmt.Errorf("%s %s/%s: %w", verb, b.name, key, err)
}
