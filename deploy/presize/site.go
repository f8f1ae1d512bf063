package main

import (
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"slices"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/invalidation"
	"github.com/presize/presize/web"
)

// site is the page with the places that it is published to. The bucket holds
// nothing else.
type site struct {
	files  fs.FS
	bucket *bucket.Bucket
	cdn    invalidation.CloudFront
	out    io.Writer // is told what was done
}

// changes is what the bucket's objects differ in from the page, by their keys.
type changes struct {
	put    []string // in the order to put them
	remove []string
}

// publish brings the bucket to what the page is, and tells the CDN to forget what
// it replaced. It can be stopped anywhere and run again:
//
//   - What index.html leads to is put before it, and removed after it, so that it
//     never leads to what is not there.
//   - What the CDN will have to forget is written down in the bucket before the
//     first change, and crossed out after the CDN has taken the order.
func (s site) publish(ctx context.Context) (publication, error) {
	var done publication
	changes, err := s.compare(ctx)
	if err != nil {
		return done, err
	}
	order, err := s.prepare(ctx, changes)
	if err != nil {
		return done, err
	}
	for _, key := range changes.put {
		if err := s.put(ctx, key); err != nil {
			return done, err
		}
		fmt.Fprintln(s.out, "put", key)
	}
	for _, key := range changes.remove {
		if err := s.bucket.Delete(ctx, key); err != nil {
			return done, err
		}
		fmt.Fprintln(s.out, "removed", key)
	}
	done = publication{Put: changes.put, Removed: changes.remove, Invalidated: order.Paths}
	if len(order.Paths) == 0 {
		fmt.Fprintln(s.out, "the page is up to date")
		return done, nil
	}
	if err := s.cdn.Invalidate(ctx, order.reference(), order.Paths...); err != nil {
		return done, err
	}
	fmt.Fprintln(s.out, "invalidated", len(order.Paths), "paths")
	return done, s.bucket.Delete(ctx, orderKey)
}

// compare finds what is to be done.
func (s site) compare(ctx context.Context) (changes, error) {
	var c changes
	names, err := fs.Glob(s.files, "*")
	if err != nil {
		return c, err
	}
	for _, name := range names {
		object, err := s.bucket.Head(ctx, name)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return c, err
		}
		want, body, err := s.object(name)
		if err != nil {
			return c, err
		}
		// S3 gives the MD5 of an object that was put by one request and encrypted with S3's own keys as its ETag.
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
		if object.ETag != fmt.Sprintf(`"%x"`, md5.Sum(body)) ||
			object.ContentType != want.ContentType || object.CacheControl != want.CacheControl {
			c.put = append(c.put, name)
		}
	}
	slices.SortFunc(c.put, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	for object, err := range s.bucket.List(ctx, "") {
		if err != nil {
			return c, err
		}
		if object.Key != orderKey && !slices.Contains(names, object.Key) {
			c.remove = append(c.remove, object.Key)
		}
	}
	return c, nil
}

// rank sorts the index behind everything that it leads to.
func rank(key string) int {
	if key == web.Index {
		return 1
	}
	return 0
}

// object is a file of the page as an object.
func (s site) object(name string) (bucket.Info, []byte, error) {
	body, err := fs.ReadFile(s.files, name)
	if err != nil {
		return bucket.Info{}, nil, err
	}
	contentType := web.ContentType(name)
	if contentType == "" {
		return bucket.Info{}, nil, fmt.Errorf("%s: its content type is not known", name)
	}
	return bucket.Info{Key: name, ContentType: contentType, CacheControl: web.CacheControl}, body, nil
}

func (s site) put(ctx context.Context, name string) error {
	info, body, err := s.object(name)
	if err != nil {
		return err
	}
	return s.bucket.Put(ctx, info, body)
}

// paths are those under which the CDN has the object of a key.
func paths(key string) []string {
	path := (&url.URL{Path: "/" + key}).EscapedPath()
	if key == web.Index {
		return []string{"/", path}
	}
	return []string{path}
}
