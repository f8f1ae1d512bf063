package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/presize/presize/internal/media"
)

// maxWait is the longest that an answer is held.
const maxWait = 20 * time.Second

// An upload is looked at again after a quarter of the time that it has been
// waited for, so nobody waits much longer than the work takes, yet long work is
// not asked about often.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// awaitChange looks at an upload until its status changes or is settled, or until
// wait has passed, and returns what it saw last. It ends with ctx's error when ctx
// is done.
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

// preferredWait returns how long a client wants its answer to be held, in whole
// seconds and at most [maxWait]: the value of the first wait preference (RFC 7240
// §2 and §4.3). It is 0 where there is none, or none that can be understood.
func preferredWait(header http.Header) time.Duration {
	// A wait within a quoted value of another preference is taken for one too;
	// there is no such preference, and a held answer would do no harm.
	for preference := range strings.SplitSeq(strings.Join(header.Values("Prefer"), ","), ",") {
		preference, _, _ = strings.Cut(preference, ";") // wait has no parameters
		name, value, _ := strings.Cut(preference, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "wait") {
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
