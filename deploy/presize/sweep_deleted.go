package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// refuseExpiry fails where originals expire: one that has expired can't be told from one
// that was deleted.
func (s service) refuseExpiry(ctx context.Context) error {
	if s.data != "" {
		return nil // the local stack has no expiry
	}
	deployed, err := s.stack.Record(ctx)
	if err != nil {
		return err
	}
	if days := deployed.Parameters["originalsExpireDays"]; days != "" {
		return fmt.Errorf("--deleted: originals of this stage expire after %s days (originalsExpireDays), and their images stay; "+
			"an expired original can't be told from a deleted one", days)
	}
	return nil
}

// refuseLoss fails where there is no original at all. To the worker, a bucket that somebody has
// deleted or made anew looks as if every original had been deleted, and it would remove every
// image. HEAD, which it sends, can't tell a bucket that is gone from an object that is.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (s service) refuseLoss(ctx context.Context) error {
	for _, err := range s.Input.List(ctx, media.OriginalPrefix) {
		return err // one is enough
	}
	return fmt.Errorf("--deleted: the bucket %s has no original, and every image would be deleted. "+
		"If that is meant, empty the bucket %s", s.Input.Name(), s.Output.Name())
}

// isDeleted reports whether the original of an upload is gone. That of a rejected upload
// expires, and its manifest stays.
func (s *sweep) isDeleted(ctx context.Context, upload published) (bool, error) {
	_, err := s.Input.Head(ctx, media.OriginalKey(upload.id))
	if !errors.Is(err, bucket.ErrNotFound) {
		return false, err
	}
	manifest, err := s.manifest(ctx, upload)
	if err != nil && !errors.Is(err, errUnread) {
		return false, err
	}
	return manifest == nil || manifest.Status != media.Rejected, nil
}

// queueDeletion sends the event that S3 sends when an original is deleted. The worker looks
// itself whether the original is gone.
func (s *sweep) queueDeletion(ctx context.Context, upload published) error {
	if !s.dryRun {
		if err := s.queueEvent(ctx, "ObjectRemoved:Delete", bucket.Info{Key: media.OriginalKey(upload.id)}); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Uploads++
	s.counts.Deleted++
	s.progress.show(position(upload.area.Prefix(upload.id)), s.counts.String())
	if s.dryRun {
		return s.found(bucket.Info{Key: upload.area.Prefix(upload.id), Size: upload.bytes()})
	}
	return nil
}

// bytes returns how much the variants of an upload have.
func (p published) bytes() (sum int64) {
	for _, objects := range p.revs {
		for _, object := range objects {
			sum += object.Size
		}
	}
	return sum
}
