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

// newsTime is how long an answer is held, counted from the upload's last change: the time
// at which its original or its manifest was stored. A worker that is not behind takes a
// second or two from one to the next, a cold start included. If it takes longer there is a
// backlog, and answers held until its end would use up the API's share of the account's
// limit. A Lambda function sees only its own request, so this age is all that it knows of
// the others.
//
// The number comes from deploy/measure/scale. In a backlog the API holds as many answers
// as uploads arrive in this time. With 2 s fewer grants are refused in a peak, but a cold
// start could take longer; with 10 s most of the gain is lost.
//
// S3 tells times in whole seconds, so up to one of them is missing. It does not document
// whether an original's time is that of the first byte or of the last. If it is the first,
// answers to slow uploads are held for less time, or not at all.
const newsTime = 3 * time.Second

// lastLook is how long the last look of a wait may take.
const lastLook = 2 * time.Second

// The status is read again after a quarter of the time waited so far. So an answer is
// late by a quarter at most, and a long wait needs few requests to S3.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// hold waits for a change as [awaitChange] does, if there is room for one more answer that
// is held, and until the upload's last change is [newsTime] ago. It reports whether the
// client got what it prefers: a change, a settled upload, or all of its wait.
//
// Held answers are what the service gives up first when it has too much to do: without
// one, a client asks again a little later, which takes some milliseconds of the API
// instead of all the time in between. So a wait ends too where S3 throttles, or is slow.
func (s *service) hold(ctx context.Context, was upload, wait time.Duration,
	look func(context.Context) (media.Manifest, error)) (bool, error) {
	most := wait
	if !was.manifest.Settled() {
		most = min(wait, newsTime-max(time.Since(was.changed), 0))
	}
	if most <= 0 {
		return false, nil
	}
	select {
	case s.held <- struct{}{}:
		defer func() { <-s.held }()
	default:
		return false, nil
	}
	waiting, cancel := context.WithTimeout(ctx, most+lastLook)
	defer cancel()
	is, err := awaitChange(waiting, was.manifest, most, look)
	if slow := waiting.Err() != nil && ctx.Err() == nil; slow || errors.Is(err, bucket.ErrBusy) {
		return false, nil
	}
	return err == nil && (most == wait || changed(was.manifest, is)), err
}

// changed reports whether there is nothing to wait for any more.
func changed(was, is media.Manifest) bool {
	return is.Status != was.Status || is.Settled()
}

// awaitChange reads the status of an upload until it changes or is settled, or until
// wait has passed, and returns the last one. It fails with ctx's error when ctx is done.
func awaitChange(ctx context.Context, was media.Manifest, wait time.Duration,
	look func(context.Context) (media.Manifest, error)) (media.Manifest, error) {
	is, err := was, error(nil)
	started := time.Now()
	for err == nil && !changed(was, is) {
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
