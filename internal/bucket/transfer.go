package bucket

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// feature/s3/manager is used in this file only: upstream wants it replaced by
// feature/s3/transfermanager one day.

const (
	// fetchPart is how much of an original one request brings, in bytes. S3 gives
	// one connection some 90 MB/s at best, so larger originals come in parallel.
	fetchPart = 8 << 20
	// putPart is more than any variant has, in bytes: each is put by a single
	// request, so it is there whole or not at all, and never a multipart upload.
	putPart = 64 << 20
)

func newDownloader(client *s3.Client) *manager.Downloader {
	return manager.NewDownloader(client, func(d *manager.Downloader) {
		d.PartSize = fetchPart
	})
}

func newUploader(client *s3.Client) *manager.Uploader {
	return manager.NewUploader(client, func(u *manager.Uploader) {
		u.PartSize = putPart
	})
}

// Fetch returns the bytes of the object that info describes, as [Bucket.Head]
// gave it. It fails with [ErrNotFound], or with [ErrChanged] if the object is
// not that one any more, so parts of two objects are never mixed.
func (b *Bucket) Fetch(ctx context.Context, info Info) ([]byte, error) {
	buffer := manager.NewWriteAtBuffer(make([]byte, 0, info.Size))
	_, err := b.downloader.Download(ctx, buffer, &s3.GetObjectInput{
		Bucket:  &b.name,
		Key:     &info.Key,
		IfMatch: &info.ETag,
	})
	if err != nil {
		return nil, b.fail("fetch", info.Key, err)
	}
	return buffer.Bytes(), nil
}

// Put writes an object, whether or not there is one. Of info it takes Key,
// ContentType, CacheControl and Metadata.
func (b *Bucket) Put(ctx context.Context, info Info, body []byte) error {
	_, err := b.uploader.Upload(ctx, b.putInput(info, body))
	return b.fail("put", info.Key, err)
}

// Create is Put for an object that must not be there yet: otherwise it leaves
// that one alone and fails with [ErrExists].
func (b *Bucket) Create(ctx context.Context, info Info, body []byte) error {
	input := b.putInput(info, body)
	input.IfNoneMatch = aws.String("*")
	_, err := b.uploader.Upload(ctx, input)
	return b.fail("create", info.Key, err)
}

func (b *Bucket) putInput(info Info, body []byte) *s3.PutObjectInput {
	input := &s3.PutObjectInput{
		Bucket:      &b.name,
		Key:         &info.Key,
		Body:        bytes.NewReader(body),
		ContentType: &info.ContentType,
		Metadata:    info.Metadata,
	}
	if info.CacheControl != "" {
		input.CacheControl = &info.CacheControl
	}
	return input
}
