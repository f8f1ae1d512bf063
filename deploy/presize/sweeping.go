package main

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// sweep removes variants of old revisions.
type sweep struct {
	service
	before   time.Time // what is younger stays
	deleted  bool      // uploads whose original is gone too
	dryRun   bool
	current  map[string]bool         // the revisions that stay in any case
	found    func(bucket.Info) error // is called with what a dry run finds
	progress progress

	mu     sync.Mutex
	counts sweepCounts
}

// run goes through all that is published, one upload after the other as they are
// listed, and looks at a number of them together.
func (s *sweep) run(ctx context.Context) error {
	s.counts.DryRun = s.dryRun
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	var listing error
	for upload, err := range s.uploads(ctx) {
		if listing = err; err != nil {
			break
		}
		group.Go(func() error { return s.do(ctx, upload) })
	}
	if err := group.Wait(); err != nil {
		return err // which has also ended the listing
	}
	return listing
}

// uploads yields everything that is published, by upload. It stops at the first error.
func (s *sweep) uploads(ctx context.Context) iter.Seq2[published, error] {
	return func(yield func(published, error) bool) {
		var upload published
		for object, err := range s.Output.List(ctx, "") {
			if err != nil {
				yield(published{}, err)
				return
			}
			area, id, rev, ok := media.ParseImageKey(object.Key)
			if !ok {
				continue // not the worker's
			}
			if id != upload.id || area != upload.area {
				if upload.id != "" && !yield(upload, nil) {
					return
				}
				upload = published{area: area, id: id, revs: make(map[string][]bucket.Info)}
			}
			if rev != "" {
				upload.revs[rev] = append(upload.revs[rev], object)
			}
		}
		if upload.id != "" {
			yield(upload, nil)
		}
	}
}

// do removes the old revisions of one upload, or queues its deletion.
func (s *sweep) do(ctx context.Context, upload published) error {
	if s.deleted {
		deleted, err := s.isDeleted(ctx, upload)
		if err != nil {
			return err
		}
		if deleted {
			return s.queueDeletion(ctx, upload)
		}
	}
	old, young := s.old(upload)
	unread := false
	if len(old) > 0 {
		// Read after the listing: it names what has been published since.
		named, err := s.named(ctx, upload)
		if unread = errors.Is(err, errUnread); err != nil && !unread {
			return err
		}
		maps.DeleteFunc(old, func(rev string, _ []bucket.Info) bool { return unread || named[rev] })
	}
	for _, objects := range old {
		if err := s.remove(ctx, objects); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.Uploads++
	s.counts.Young += young
	if unread {
		s.counts.Unread++
	}
	s.progress.show(position(upload.area.Prefix(upload.id)), s.counts.String())
	return nil
}

// old returns the revisions that are neither current nor young, and counts the
// variants that are old but for their age.
func (s *sweep) old(upload published) (old map[string][]bucket.Info, young int) {
	old = make(map[string][]bucket.Info)
	for rev, objects := range upload.revs {
		switch {
		case s.current[rev]:
		case slices.ContainsFunc(objects, func(o bucket.Info) bool { return o.Modified.After(s.before) }):
			young += len(objects)
		default:
			old[rev] = objects
		}
	}
	return old, young
}

// errUnread is the error for a manifest that is there, but is none.
var errUnread = errors.New("manifest can't be read")

// named returns the revisions that the upload's manifest names.
func (s *sweep) named(ctx context.Context, upload published) (map[string]bool, error) {
	manifest, err := s.manifest(ctx, upload)
	if err != nil || manifest == nil {
		return nil, err
	}
	revs := map[string]bool{manifest.Rev: true}
	for _, variant := range manifest.Variants {
		_, _, rev, _ := media.ParseImageKey(strings.TrimPrefix(variant.URL, "/"))
		revs[rev] = true
	}
	return revs, nil
}

// manifest returns the upload's manifest, nil if there is none.
func (s *sweep) manifest(ctx context.Context, upload published) (*media.Manifest, error) {
	document, _, err := s.Output.Get(ctx, upload.area.ManifestKey(upload.id), media.MaxManifest)
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	manifest, err := media.ParseManifest(document)
	if err != nil {
		return nil, errUnread
	}
	return &manifest, nil
}

// remove deletes variants, or says that it would, and counts them.
func (s *sweep) remove(ctx context.Context, objects []bucket.Info) error {
	for _, object := range objects {
		if !s.dryRun {
			if err := s.Output.Delete(ctx, object.Key); err != nil {
				return err
			}
		}
		s.mu.Lock()
		s.counts.Removed++
		s.counts.Bytes += object.Size
		var err error
		if s.dryRun {
			err = s.found(object)
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}
