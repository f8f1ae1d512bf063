package queue_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestCloseLetsRunningInvocationsEndAndStartsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := 0
		b, f, _ := start(t, 1, func(context.Context, string) error {
			pass(time.Minute)
			ended++
			return nil
		})
		b.Send(created("running"))
		b.Send(created("waiting"))
		synctest.Wait()
		closeQueue(t, b)
		b.Send(created("late"))
		pass(time.Hour)
		if got := f.keys(); ended != 1 || !slices.Equal(got, []string{"running"}) {
			t.Errorf("%d ended, calls: %q", ended, got)
		}
	})
}

func TestCloseIsBoundedAndWhatItCutsOffIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, f, failures := start(t, 1, func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		})
		b.Send(created("a"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := b.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v", err)
		}
		pass(time.Hour)
		if len(f.keys()) != 1 {
			t.Errorf("calls: %q", f.keys())
		}
		if _, err := os.Stat(failures); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("failure queue exists: %v", err)
		}
	})
}
