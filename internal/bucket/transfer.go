package bucket

import (
	"bytes"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Only this file uses feature/s3/manager, which upstream has deprecated in favor of
// feature/s3/transfermanager.

const (
	// fetchPart is the size of the parts in which originals are fetched, in bytes. One
	// connection to S3 gives at most some 90 MB/s, so larger originals are fetched in parallel.
	fetchPart = 8 << 20
	// putPart is larger than any variant, in bytes. So each variant is a single PUT, which
	// is atomic, and never a multipart upload.
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

// Fetch returns the bytes of the object that info, from [Bucket.Head], describes. It
// fails with [ErrNotFound], or with [ErrChanged] if the object has been replaced, so it
// never mixes parts of two objects.
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

// Put writes an object and replaces an existing one. It uses Key, ContentType,
// CacheControl and Metadata of info.
func (b *Bucket) Put(ctx context.Context, info Info, body []byte) error {
	_, err := b.uploader.Upload(ctx, b.putInput(info, body))
	return b.fail("put", info.Key, err)
}

// Create is Put for an object that must not exist yet. If it does, Create leaves it
// unchanged and fails with [ErrExists].
func (b *Bucket) Create(ctx context.Context, info Info, body []byte) error {
	input := b.putInput(info, body)
	input.IfNoneMatch = aws.String("*")
	_, err := b.uploader.Upload(ctx, input)
	return b.fail("create", info.Key, err)
}

// Replace is Put for an object whose content depends on the one that it replaces, which
// has the given ETag, or on that there is none: "". It returns the ETag of the new
// one. Where something else is there by now, it leaves that alone and fails with
// [ErrChanged].
func (b *Bucket) Replace(ctx context.Context, info Info, body []byte, etag string) (string, error) {
	input := b.putInput(info, body)
	if etag == "" {
		input.IfNoneMatch = aws.String("*")
	} else {
		input.IfMatch = &etag
	}
	out, err := b.uploader.Upload(ctx, input)
	if err != nil {
		return "", b.fail("replace", info.Key, err)
	}
	return aws.ToString(out.ETag), nil
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
