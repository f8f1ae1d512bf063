//go:build !quick

package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

var failedEvents = flag.Int("events", 120, "failed events that a redrive is interrupted with")

// TestInterruptedRedrivesLoseNothing kills a redrive twice and interrupts it once. Half
// of the events fail again.
func TestInterruptedRedrivesLoseNothing(t *testing.T) {
	for name, args := range map[string][]string{
		"one by one": {"--older-than=1ns", "--rate=500"},
		"by SQS":     {"--rate=50"},
	} {
		t.Run(name, func(t *testing.T) {
			var repaired atomic.Bool
			broken := func(id media.ID) bool { return !repaired.Load() && id[0]%2 == 0 }
			l := newLetterbox(t, broken)
			events := l.fill(*failedEvents)
			quarter := *failedEvents / 4
			for _, signal := range []os.Signal{syscall.SIGKILL, syscall.SIGKILL, os.Interrupt} {
				l.interrupt(signal, quarter, args...)
				if lost := l.lost(events); len(lost) > 0 {
					t.Fatalf("%v: %d of %d events lost", signal, len(lost), len(events))
				}
				if name == "one by one" {
					l.close()
					l.open() // what was in hand can be received again
				}
			}
			redriveAll := func() {
				t.Helper()
				if got := presize(t, append([]string{"redrive", "--local"}, args...)...); got.code != 0 {
					t.Fatalf("%+v", got)
				}
			}
			until(t, "what the worker can deal with is done", func() bool {
				redriveAll()
				return !slices.ContainsFunc(events, func(event string) bool { return !l.isDone(event) && !broken(idOf(t, event)) })
			})
			repaired.Store(true)
			until(t, "the queues are empty", func() bool {
				redriveAll()
				return len(l.bodies(l.work))+len(l.bodies(l.dead)) == 0
			})
			if lost := l.lost(events); len(lost) > 0 {
				t.Errorf("%d of %d events lost", len(lost), len(events))
			}
			t.Logf("%d events, received %d times", len(events), l.progress())
		})
	}
}

// TestNoFailedRequestOfARedriveLosesAnEvent lets each request in turn go wrong.
func TestNoFailedRequestOfARedriveLosesAnEvent(t *testing.T) {
	for when, fault := range faulttest.Faults() {
		for n, failed := 1, true; failed; n++ {
			l := newLetterbox(t, nil)
			events := l.fill(2)
			ctx, cancel := context.WithCancel(t.Context())
			step, injected := faulttest.At(n, fault, cancel)
			l.transport.Restart(step)
			r := redrive{service: l.service, from: l.service.failures, to: l.service.work, filter: filter{olderThan: 1}, rate: maxMoves, began: time.Now(), progress: silent{}}
			err := r.oneByOne(ctx)
			cancel()
			if failed = injected(); (err != nil) != failed {
				t.Fatalf("request %d failed %s: %t, but the error is %v", n, when, failed, err)
			}
			if lost := l.lost(events); len(lost) > 0 {
				t.Fatalf("request %d failed %s: %d events lost", n, when, len(lost))
			}
			if !failed && (len(l.bodies(l.work)) != 2 || len(l.bodies(l.dead)) != 0 || r.counts.Redriven != 2) {
				t.Fatalf("%+v, %d in the queues", r.counts, len(l.bodies(l.work)))
			}
		}
	}
}

func TestAllVersionsOnAllPagesAreDeleted(t *testing.T) {
	h := newRemovalHarness(t, 1)
	h.data = true
	h.fill(t, 410)                                        // 820 versions and 205 delete markers in one of them
	if err := h.answer(t.Context(), "prod"); err != nil { // as from a file without a line end
		t.Fatal(err)
	}
	if got := h.left(t); len(got) > 0 || h.removals != 1 {
		t.Errorf("removed %d times, buckets %q", h.removals, got)
	}
	for _, want := range []string{"Deleted versioned-0 with 1025 objects", "Deleted plain-0 with 410 objects"} {
		if !strings.Contains(h.out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, h.out.String())
		}
	}
}

// TestNextRemovalFinishesWhatFailed lets each request to S3 in turn fail.
func TestNextRemovalFinishesWhatFailed(t *testing.T) {
	const pairs = 60
	h := newRemovalHarness(t, pairs)
	h.data = true
	healthy, transport := h.objects, faulttest.New()
	i := 0
	for when, fault := range faulttest.Faults() {
		for n, failed := 1, true; failed; n++ {
			if i == pairs {
				t.Fatal("there are more requests than buckets")
			}
			h.deploy(t, i)
			i++
			h.fill(t, 2)
			ctx, cancel := context.WithCancel(t.Context())
			step, injected := faulttest.At(n, fault, cancel)
			transport.Restart(step)
			h.objects = transport.Client(healthy)
			err := h.answer(ctx, "prod\n")
			cancel()
			if failed = injected(); (err != nil) != failed {
				t.Fatalf("request %d failed: %t, but the error is %v", n, failed, err)
			}
			h.objects = healthy
			if err := h.answer(t.Context(), "prod\n"); err != nil {
				t.Fatal(err)
			}
			if got := h.left(t); len(got) > 0 {
				t.Fatalf("request %d failed %s: buckets %q", n, when, got)
			}
		}
	}
}

// TestNextPublicationHealsWhatFailed lets each request of a change in turn fail, and
// then publishes the same page, or another one.
func TestNextPublicationHealsWhatFailed(t *testing.T) {
	h := newSiteHarness(t)
	before := page("index.html=a.js b.js", "a.js=1", "b.js=1")
	change := page("index.html=a.js c.js", "a.js=2", "c.js=1")
	another := page("index.html=a.js c.js d.js", "a.js=3", "c.js=1", "d.js=1")
	for when, fault := range faulttest.Faults() {
		for name, next := range map[string]fstest.MapFS{"the same page": change, "another page": another, "the page of before": before} {
			failed, n := true, 0
			for failed {
				n++
				h.mustPublish(before)
				failed = h.failAt(n, fault, change)
				h.mustPublish(next)
				h.expectPublished(next)
				if t.Failed() {
					t.Fatalf("request %d failed %s, then %s", n, when, name)
				}
			}
			if n < 13 {
				t.Errorf("only %d requests", n-1)
			}
		}
	}
}

// TestNextSweepDoesWhatAFailedOneHasNot lets each request in turn go wrong.
func TestNextSweepDoesWhatAFailedOneHasNot(t *testing.T) {
	u := newUploads(t)
	current, old := u.service.Presets[0], mustSketch(t, "79")[0]
	for when, fault := range faulttest.Faults() {
		for n, failed := 1, true; failed; n++ {
			var want []string
			for _, named := range []media.Preset{current, old} {
				id := media.NewID()
				u.put(id)
				u.putVariants(id, old)
				u.publish(id, media.Ready, named)
				want = append(want, append(keysOf(id, named), media.ManifestKey(id))...)
			}
			slices.Sort(want)
			ctx, cancel := context.WithCancel(t.Context())
			step, injected := faulttest.At(n, fault, cancel)
			u.transport.Restart(step)
			err := u.newSweep().run(ctx)
			cancel()
			u.transport.Restart(nil)
			failed = injected()
			if (err != nil) != failed {
				t.Fatalf("request %d failed %s: %t, but the error is %v", n, when, failed, err)
			}
			if err := u.newSweep().run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := u.published(); !slices.Equal(got, want) {
				t.Fatalf("request %d failed %s: left %q, want %q", n, when, got, want)
			}
			if err := u.Output.Delete(t.Context(), want...); err != nil { // the next run begins anew
				t.Fatal(err)
			}
		}
	}
}

// TestNextBackfillQueuesWhatAFailedOneHasNot lets each request in turn go wrong. The
// run after it must go on from the checkpoint and leave nothing out.
func TestNextBackfillQueuesWhatAFailedOneHasNot(t *testing.T) {
	u := newUploads(t)
	unfinished, all := u.everyState()
	file := filepath.Join(t.TempDir(), "checkpoint.json")
	for when, fault := range faulttest.Faults() {
		resumed := false
		for n, failed := 1, true; failed; n++ {
			ctx, cancel := context.WithCancel(t.Context())
			step, injected := faulttest.At(n, fault, cancel)
			u.transport.Restart(step)
			_, err := u.newBackfill(file).run(ctx)
			cancel()
			u.transport.Restart(nil)
			failed = injected()
			if (err != nil) != failed {
				t.Fatalf("request %d failed %s: %t, but the error is %v", n, when, failed, err)
			}
			if failed {
				b := u.newBackfill(file)
				resumed = resumed || b.counts().Key != ""
				got, err := b.run(t.Context())
				if err != nil || got.Seen != len(all) {
					t.Fatalf("request %d failed %s: resumed to %+v, %v", n, when, got, err)
				}
			}
			if ids := u.taken(); !slices.Equal(ids, unfinished) {
				t.Fatalf("request %d failed %s: queued %q, want %q", n, when, ids, unfinished)
			}
		}
		if !resumed {
			t.Errorf("failures %s: no run went on from a checkpoint", when)
		}
	}
}

// TestUploadGoesOnWhateverStopsIt runs the command against the local stack.
func TestUploadGoesOnWhateverStopsIt(t *testing.T) {
	data := t.TempDir()
	t.Setenv("PRESIZE_DATA", data)
	stack := startLocalStack(t, buildLocalStack(t, "80"), data)
	defer stack.stop()

	t.Run("of a folder tells how each file has ended", func(t *testing.T) { testFolder(t, stack) })
	t.Run("that is killed leaves nothing out", func(t *testing.T) {
		testStopped(t, stack, (*os.Process).Kill, func(err error) bool { return err != nil })
	})
	t.Run("that is interrupted goes on later", func(t *testing.T) {
		interrupt := func(p *os.Process) error { return p.Signal(os.Interrupt) }
		testStopped(t, stack, interrupt, func(err error) bool {
			var exit *exec.ExitError
			return errors.As(err, &exit) && exit.ExitCode() == 1
		})
	})
}
