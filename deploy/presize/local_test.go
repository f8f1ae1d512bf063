//go:build !quick

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

// originals is how many are uploaded to the local stack: go test -run Killed -originals 2000 -v
var originals = flag.Int("originals", 60, "originals that a backfill of the local stack is tried with")

// TestBackfillKilledTwiceLeavesNothingOut changes the presets of a local stack with
// many uploads, runs a backfill that is killed twice, and sweeps up after it.
func TestBackfillKilledTwiceLeavesNothingOut(t *testing.T) {
	const before, after = "79", "80"
	count := *originals
	data := t.TempDir()
	t.Setenv("PRESIZE_DATA", data)
	finished := func(quality string) bool {
		var now counts
		presizeJSON(t, quality, &now, "backfill", "--dry-run")
		return now.Finished == now.Seen && now.Seen >= count
	}
	stack := startLocalStack(t, buildLocalStack(t, before), data)
	ids := stack.upload(count)
	until(t, "all are rendered", func() bool { return finished(before) })
	stack.stop()

	stack = startLocalStack(t, buildLocalStack(t, after), data)
	var outdated counts
	if listed := presizeJSON(t, after, &outdated, "backfill", "--dry-run"); outdated.Queued != count || len(listed) != count {
		t.Fatalf("outdated: %+v, %d listed", outdated, len(listed))
	}
	args := []string{"backfill", "--rate", fmt.Sprint(count / 4)} // so slow that it does not end before it is killed
	for kill := 1; kill <= 2; kill++ {
		killed := child(t, after, append(args, "--local")...)
		if err := killed.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "a part is done", func() bool { return checkpointed(t, data) >= kill*count/3 })
		if err := killed.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := killed.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
		t.Logf("killed with %d of %d in the checkpoint", checkpointed(t, data), count)
	}
	var done counts
	presizeJSON(t, after, &done, args...)
	if done.Seen != count || done.Queued+done.Finished != count {
		t.Errorf("in the end: %+v", done)
	}
	until(t, "all are rendered again", func() bool { return finished(after) })
	last := stack.upload(1)[0] // comes after everything queued
	until(t, "the queue is empty", func() bool { return len(stack.log.jobs()[last]) > 0 })
	expectJobs(t, stack.log, ids)
	expectStatus(t, after, ids[0])
	expectSweep(t, after, before, append(ids, last), count)
	stack.stop()
}

// checkpointed returns how many originals the checkpoint counts as seen.
func checkpointed(t *testing.T, data string) int {
	t.Helper()
	var c checkpoint
	document, err := os.ReadFile(filepath.Join(data, "backfill.json"))
	if err != nil {
		return 0 // not written yet
	}
	if err := json.Unmarshal(document, &c); err != nil {
		t.Fatalf("a torn checkpoint: %s", document)
	}
	return c.Counts.Seen
}

// expectJobs fails the test unless the worker had a job for each upload, and tells
// how many it had twice.
func expectJobs(t *testing.T, log *stackLog, ids []media.ID) {
	t.Helper()
	jobs, repeated, rendered := log.jobs(), 0, 0
	for _, id := range ids {
		outcomes := jobs[id]
		if len(outcomes) == 0 {
			t.Errorf("%s had no job", id)
			continue
		}
		repeated += len(outcomes) - 1
		for _, outcome := range outcomes {
			if outcome == "published" {
				rendered++
			}
		}
	}
	t.Logf("%d originals: %d jobs repeated, %d rendered", len(ids), repeated, rendered)
}

func expectStatus(t *testing.T, quality string, id media.ID) {
	t.Helper()
	var got status
	presizeJSON(t, quality, &got, "status", string(id))
	if got.ID != id || got.State != "finished" || !got.Current || len(got.Missing) > 0 || len(got.Others) != 1 {
		t.Errorf("status: %+v", got)
	}
}

// expectSweep fails the test unless a sweep removes exactly the variants of the
// quality before, which count uploads have.
func expectSweep(t *testing.T, quality, before string, ids []media.ID, count int) {
	t.Helper()
	current, old := mustSketch(t, quality)[0], mustSketch(t, before)[0]
	sizes := len(old.Sizes)
	var dry, swept, again sweepCounts
	listed := presizeJSON(t, quality, &dry, "sweep", "--older-than", "0s", "--dry-run")
	if dry.Removed != sizes*count || len(listed) != dry.Removed {
		t.Errorf("a dry run lists %d and counts %+v", len(listed), dry)
	}
	for _, line := range listed {
		if !strings.Contains(line, "/"+old.Rev()+"/") {
			t.Errorf("it would remove %s", line)
		}
	}
	presizeJSON(t, quality, &swept, "sweep", "--older-than", "0s")
	presizeJSON(t, quality, &again, "sweep", "--older-than", "0s")
	if swept.Removed != dry.Removed || again.Removed != 0 {
		t.Errorf("removed %+v, then %+v", swept, again)
	}
	var want, got []string
	for _, id := range ids {
		want = append(want, append(keysOf(id, current), media.ManifestKey(id))...)
	}
	c := &call{local: true, system: system{lookup: os.LookupEnv, presets: func() (media.Presets, error) { return sketch(quality) }}}
	s, err := c.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for object, err := range s.Output.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, object.Key)
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%d objects are left, want %d", len(got), len(want))
	}
	t.Logf("sweep removed %d variants of %s; %d objects are left", swept.Removed, old.Rev(), len(got))
}
