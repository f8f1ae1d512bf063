package bucket

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Tags returns the tags of an object by their names, or [ErrNotFound].
func (b *Bucket) Tags(ctx context.Context, key string) (map[string]string, error) {
	out, err := b.client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: &b.name, Key: &key})
	if err != nil {
		return nil, b.fail("get the tags of", key, err)
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, tag := range out.TagSet {
		tags[*tag.Key] = *tag.Value
	}
	return tags, nil
}

// SetTags replaces the tags of an object, at most 10. It fails with [ErrNotFound]. It
// changes neither the object's bytes nor its time of modification.
func (b *Bucket) SetTags(ctx context.Context, key string, tags map[string]string) error {
	var set []types.Tag
	for name, value := range tags {
		set = append(set, types.Tag{Key: &name, Value: &value})
	}
	_, err := b.client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{
		Bucket:  &b.name,
		Key:     &key,
		Tagging: &types.Tagging{TagSet: set},
	})
	return b.fail("set the tags of", key, err)
}
