package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/s3local/s3test"
)

// repairs are what may follow a publication that has failed, and the deployment that must be
// live then. The last one was 12.
func repairs() map[string]func(h *releaseHarness) int64 {
	return map[string]func(h *releaseHarness) int64{
		"published again": func(h *releaseHarness) int64 {
			h.mustPublish()
			return 12
		},
		"deployed again": func(h *releaseHarness) int64 {
			h.deploy(13)
			h.mustPublish()
			return 13
		},
		"rolled back": func(h *releaseHarness) int64 {
			if _, err := h.rollBack(context.Background(), h.watch); err != nil {
				h.Fatal(err)
			}
			return 11
		},
	}
}

// TestWhatFailedOfAPublicationIsRepaired lets each request of a publication in turn go wrong.
func TestWhatFailedOfAPublicationIsRepaired(t *testing.T) {
	env := s3test.Start(t, nil)
	run := 0
	for when, fault := range faulttest.Faults() {
		for name, repair := range repairs() {
			failed, n := true, 0
			for failed {
				n++
				run++
				h := newReleaseHarness(t, env, fmt.Sprint("run-", run))
				h.deploy(11)
				h.mustPublish()
				h.deploy(12)
				failed = h.failAt(n, fault, func(ctx context.Context, step faulttest.Step) (int64, error) { return 12, h.publish(ctx, step) })
				h.expectLive(repair(h))
				if t.Failed() {
					t.Fatalf("request %d failed %s, then it was %s", n, when, name)
				}
			}
			if n < 20 {
				t.Errorf("only %d requests", n-1)
			}
		}
	}
}

// failAt does something with its n-th request going wrong, and reports false if there are
// fewer requests.
func (h *releaseHarness) failAt(n int, fault faulttest.Fault, do func(context.Context, faulttest.Step) (int64, error)) bool {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, injected := faulttest.At(n, fault, cancel)
	deployment, err := do(ctx, func(i int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		return step(i, r, func() (*http.Response, error) { return h.watch(i, r, carry) })
	})
	if !injected() && err != nil {
		h.Errorf("nothing went wrong, but the error is %v", err)
	}
	if err == nil {
		h.expectLive(deployment)
	}
	return injected()
}

// TestWhatFailedOfARollbackIsRepaired lets each request of a rollback in turn go wrong, and then
// does what the error says.
func TestWhatFailedOfARollbackIsRepaired(t *testing.T) {
	env := s3test.Start(t, nil)
	run := 0
	for when, fault := range faulttest.Faults() {
		for _, again := range []bool{true, false} {
			failed, n := true, 0
			for failed {
				n++
				run++
				h := newReleaseHarness(t, env, fmt.Sprint("run-", run))
				for deployment := range int64(2) {
					h.deploy(11 + deployment)
					h.mustPublish()
				}
				var err error
				failed = h.failAt(n, fault, func(ctx context.Context, step faulttest.Step) (int64, error) {
					_, err = h.rollBack(ctx, step)
					return 11, err
				})
				h.repairRollback(err, again)
				if t.Failed() {
					t.Fatalf("request %d failed %s: %v", n, when, err)
				}
			}
			if n < 25 {
				t.Errorf("only %d requests", n-1)
			}
		}
	}
}

// repairRollback does what the error of a rollback says, or deploys.
func (h *releaseHarness) repairRollback(err error, again bool) {
	h.Helper()
	switch {
	case !again:
		h.deploy(13)
		h.mustPublish()
		h.expectLive(13)
		return
	case err == nil:
	case strings.Contains(err.Error(), "run presize publish --stage "+h.stage):
		h.mustPublish()
	default:
		if _, err := h.rollBack(context.Background(), h.watch); err != nil {
			h.Error(err)
		}
	}
	h.expectLive(11)
}
