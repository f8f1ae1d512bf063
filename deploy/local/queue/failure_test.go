package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
)

// records returns how many records a failure queue has.
func records(t *testing.T, dir string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

func TestLaterSuccessDeletesTheFailureRecordsOfItsObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		healthy := false
		b, _, dir := start(t, 1, func(context.Context, string) error {
			if healthy {
				return nil
			}
			return errors.New("bucket is away")
		})
		for _, key := range []string{"originals/a", "originals/a", "originals/b"} {
			b.Send(created(key))
		}
		pass(time.Hour)
		if got := records(t, dir); got != 3 {
			t.Errorf("%d records, want 3", got)
		}
		healthy = true
		b.Send(created("originals/a"))
		pass(time.Hour)
		if got := records(t, dir); got != 1 {
			t.Errorf("%d records, want the one of the other object", got)
		}
		closeQueue(t, b)

		restarted := queue.New(queue.Config{Timeout: time.Minute, Concurrency: 1, FailureDir: dir, Log: slog.New(slog.DiscardHandler)})
		restarted.Start(func(context.Context, json.RawMessage) (any, error) { return nil, nil })
		restarted.Send(created("originals/b"))
		pass(time.Hour)
		closeQueue(t, restarted)
		if got := records(t, dir); got != 0 {
			t.Errorf("%d records after a restart, want none", got)
		}
	})
}

func TestRecoverDeletesTheFailureRecordsOfWhatIsFinishedOrGone(t *testing.T) {
	env := s3test.Start(t, nil)
	done, gone, left, outdated := media.NewID(), media.NewID(), media.NewID(), media.NewID()
	dir := filepath.Join(t.TempDir(), "failures")
	config := queue.Config{Timeout: time.Minute, Concurrency: 1, FailureDir: dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	failing := queue.New(config)
	attempted := make(chan string, 10)
	failing.Start(func(_ context.Context, event json.RawMessage) (any, error) {
		attempted <- string(event)
		return nil, errors.New("bucket is away")
	})
	for _, id := range []media.ID{done, gone, left, outdated} {
		failing.Send(s3local.NewEvent("ObjectCreated:Put", s3test.Input, media.OriginalKey(id), 1, ""))
		<-attempted
	}
	if err := failing.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := records(t, dir); got != 4 {
		t.Fatalf("%d records, want 4", got)
	}

	for _, id := range []media.ID{done, left, outdated} {
		put(t, env.Input, media.OriginalKey(id), "bytes")
	}
	rev := mediatest.Preset(media.DefaultPreset).Rev()
	putManifest(t, env, media.Manifest{ID: done, Status: media.Ready, Complete: true, Rev: rev})
	putManifest(t, env, media.Manifest{ID: outdated, Status: media.Ready, Complete: true, Rev: "01234567"})
	if err := os.WriteFile(filepath.Join(dir, "torn.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	recovering := queue.New(config)
	if err := recovering.Recover(t.Context(), uploads(env)); err != nil {
		t.Fatal(err)
	}
	if got := records(t, dir); got != 3 {
		t.Errorf("%d records, want that of the unfinished, that of the outdated and the torn one", got)
	}
	if err := recovering.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
