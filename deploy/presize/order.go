package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/presize/presize/internal/bucket"
)

// orderKey is where the bucket holds the order while a page is being published.
const orderKey = ".invalidation.json"

// orderLimit is more than any order has, in bytes.
const orderLimit = 1 << 20

// order is what the CDN has to forget.
type order struct {
	At    time.Time `json:"at"`
	Paths []string  `json:"paths"`
}

// reference is what CloudFront knows the order by. The paths alone would not do,
// nor would the bytes behind them: a page that is changed, changed back and changed
// again has the same of both for a second time.
func (o order) reference() string {
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, o.At.UnixNano(), o.Paths)))
}

// prepare returns the order for changes and for what an earlier run may not have
// ordered. Without changes that is the order of then; with any it is a new one,
// because CloudFront may have taken the old one before them.
func (s site) prepare(ctx context.Context, changes changes) (order, error) {
	var o order
	document, _, err := s.bucket.Get(ctx, orderKey, orderLimit)
	if err == nil {
		err = json.Unmarshal(document, &o)
	}
	if err != nil && !errors.Is(err, bucket.ErrNotFound) {
		return o, fmt.Errorf("read what was left to invalidate: %w", err)
	}
	keys := slices.Concat(changes.put, changes.remove)
	if len(keys) == 0 {
		return o, nil
	}
	for _, key := range keys {
		o.Paths = append(o.Paths, paths(key)...)
	}
	slices.Sort(o.Paths)
	o = order{At: time.Now().UTC(), Paths: slices.Compact(o.Paths)}
	if document, err = json.Marshal(o); err != nil {
		return o, err
	}
	info := bucket.Info{Key: orderKey, ContentType: "application/json", CacheControl: "no-store"}
	return o, s.bucket.Put(ctx, info, document)
}
