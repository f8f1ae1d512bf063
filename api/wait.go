package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// maxWait is the longest time that a request waits for a change.
const maxWait = 20 * time.Second

// lastLook is how long the last look of a wait may take.
const lastLook = 2 * time.Second

// The status is read again after a quarter of the time waited so far. So an answer is
// late by a quarter at most, and a long wait needs few requests to S3.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// hold waits for a change as [awaitChange] does, if there is room for one more answer that
// is held. It reports whether it has waited.
//
// Held answers are what the service gives up first when it has too much to do: without
// one, a client asks again a little later, which takes some milliseconds of the API
// instead of all the time in between. So a wait ends too where S3 throttles, or is slow.
func (s *service) hold(ctx context.Context, was media.Manifest, wait time.Duration,
	look func(context.Context) (media.Manifest, error)) (bool, error) {
	if wait == 0 {
		return false, nil
	}
	select {
	case s.held <- struct{}{}:
		defer func() { <-s.held }()
	default:
		return false, nil
	}
	waiting, cancel := context.WithTimeout(ctx, wait+lastLook)
	defer cancel()
	_, err := awaitChange(waiting, was, wait, look)
	if slow := waiting.Err() != nil && ctx.Err() == nil; slow || errors.Is(err, bucket.ErrBusy) {
		return false, nil
	}
	return err == nil, err
}

// awaitChange reads the status of an upload until it changes or is settled, or until
// wait has passed, and returns the last one. It fails with ctx's error when ctx is done.
func awaitChange(ctx context.Context, was media.Manifest, wait time.Duration,
	look func(context.Context) (media.Manifest, error)) (media.Manifest, error) {
	is, err := was, error(nil)
	started := time.Now()
	for err == nil && is.Status == was.Status && !is.Settled() {
		waited := time.Since(started)
		if waited >= wait {
			break
		}
		pause := min(max(shortestPause, waited/4), longestPause, wait-waited)
		select {
		case <-time.After(pause):
			is, err = look(ctx)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return is, err
}

// preferredWait returns how long a client wants to wait for a change, in whole seconds
// and at most [maxWait]: the value of the first wait preference (RFC 7240 §2 and §4.3).
// It is 0 if there is none, or if its value is not a number.
func preferredWait(header http.Header) time.Duration {
	// A wait inside a quoted value of another preference counts as well. No registered
	// preference has one, and waiting does no harm.
	for name, value := range preferences(header) {
		if !strings.EqualFold(name, "wait") {
			continue
		}
		seconds, err := strconv.ParseUint(strings.Trim(value, "\" \t"), 10, 31)
		if errors.Is(err, strconv.ErrSyntax) {
			return 0
		}
		return min(time.Duration(seconds)*time.Second, maxWait)
	}
	return 0
}
