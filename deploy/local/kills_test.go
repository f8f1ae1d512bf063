//go:build !quick

package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

var (
	webhookUploads = flag.Int("uploads", 12, "uploads whose webhooks must arrive")
	webhookKills   = flag.Int("stack-kills", 2, "kills of the stack while they are on their way")
)

// TestEveryUploadsLastEventArrivesThroughKillsAndFailures uploads to a stack that is killed
// again and again, with a receiver that fails half of the time, up to three times for an
// event, is slow, and is down for the first kills. A photo's job is killed in two rounds at
// most: after the third try it has failed. With -uploads 1000 -stack-kills 20 it takes some
// minutes.
func TestEveryUploadsLastEventArrivesThroughKillsAndFailures(t *testing.T) {
	photo := phototest.Read(t, "test.png")
	settings := freeSettings(t)
	down := true
	refusals := make(map[string]int) // by eventId
	var mu sync.Mutex
	r := startReceiver(t, func(w http.ResponseWriter, request *http.Request) bool {
		mu.Lock()
		isDown := down
		mu.Unlock()
		if isDown {
			panic(http.ErrAbortHandler)
		}
		select {
		case <-time.After(time.Duration(rand.N(200)) * time.Millisecond): // a slow receiver
		case <-request.Context().Done():
		}
		event := request.Header.Get("Webhook-Id")
		mu.Lock()
		refuses := refusals[event] < 3 && rand.N(2) == 0 // after more, the next try is minutes away
		if refuses {
			refusals[event]++
		}
		mu.Unlock()
		if refuses {
			w.WriteHeader(http.StatusInternalServerError)
			return false
		}
		return take(w, request)
	})
	tells(r.URL)(&settings)
	var good, bad []media.ID
	var last client
	for round := range *webhookKills + 1 {
		stack := startChild(t, settings)
		last = stack.client
		earlier := slices.Clone(good)
		for len(good)+len(bad) < *webhookUploads*(round+1)/(*webhookKills+1) {
			// A photo takes a second of both processors. Every twentieth is one; the others are
			// rejected, which tells as much.
			if (len(good)+len(bad))%20 == 0 {
				good = append(good, stack.upload(media.PNG, photo).ID)
			} else {
				bad = append(bad, stack.upload(media.PNG, fmt.Appendf(nil, "no image %d", len(bad))).ID)
			}
		}
		for _, id := range earlier {
			stack.await(id, func(m media.Manifest) bool { return m.Complete })
		}
		mu.Lock()
		down = round < (*webhookKills+3)/4
		mu.Unlock()
		if round == *webhookKills {
			break
		}
		if err := stack.stop(os.Kill); err == nil {
			t.Fatal("the process was not killed")
		}
	}
	var cancel context.CancelFunc
	last.ctx, cancel = context.WithTimeout(t.Context(), patience+time.Duration(*webhookUploads)*time.Second)
	defer cancel()
	r.await(last, media.ImageComplete, good...)
	r.await(last, media.ImageReady, good...)
	r.await(last, media.ImageRejected, bad...)
	r.mu.Lock()
	defer r.mu.Unlock()
	t.Logf("%d uploads, %d kills: %d events arrived %d times, %d were refused", len(good)+len(bad), *webhookKills, len(r.taken), len(r.events), r.refused)
	if want := 2*len(good) + len(bad); len(r.taken) != want {
		t.Errorf("%d different events, want %d", len(r.taken), want)
	}
}
