package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local/s3test"
)

// originals is how many are uploaded to the local stack: go test -run Killed -originals 2000 -v
var originals = flag.Int("originals", 60, "originals that a backfill of the local stack is tried with")

// stackLog is what a stack writes to its log.
type stackLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *stackLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

var jobDone = regexp.MustCompile(`msg="job done".* id=(\S+) .*outcome=(\S+)`)

// jobs returns the outcomes of the worker's jobs, by upload.
func (l *stackLog) jobs() map[media.ID][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	jobs := make(map[media.ID][]string)
	for _, match := range jobDone.FindAllStringSubmatch(l.text.String(), -1) {
		id := media.ID(match[1])
		jobs[id] = append(jobs[id], match[2])
	}
	return jobs
}

// localStack is the local stack in a process of its own, with a sketch for presets.
type localStack struct {
	t       *testing.T
	url     string
	log     *stackLog
	command *exec.Cmd
}

// buildLocalStack builds the local stack with other presets than the shipped ones.
func buildLocalStack(t *testing.T, quality string) (program string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	presets, overlay := filepath.Join(dir, "presets.json"), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(root, "deploy/presets/presets.json"): presets}})
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{presets: sketchJSON(quality), overlay: replace} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program = filepath.Join(dir, "local")
	build := exec.CommandContext(t.Context(), "go", "build", "-overlay", overlay, "-o", program, "./deploy/local")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the local stack: %v\n%s", err, output)
	}
	return program
}

// startLocalStack runs a stack over a data folder.
func startLocalStack(t *testing.T, program, data string) *localStack {
	t.Helper()
	s := &localStack{t: t, log: new(stackLog), command: exec.CommandContext(t.Context(), program)}
	port := func() string {
		_, port, _ := strings.Cut(s3test.FreeAddress(t), ":")
		return port
	}
	s.command.Env = append(os.Environ(), "PRESIZE_PORT="+port(), "PRESIZE_S3_PORT="+port(), "PRESIZE_DATA="+data)
	s.command.Stderr = s.log
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "presize is ready: ")
	if !ok {
		t.Fatalf("the local stack did not come up: %q, %v\n%s", line, err, s.log.text.String())
	}
	s.url = url
	return s
}

// stop ends the stack after the invocations under way.
func (s *localStack) stop() {
	s.t.Helper()
	if err := s.command.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	if err := s.command.Wait(); err != nil {
		s.t.Errorf("the stack ended with %v", err)
	}
}

// upload posts a number of images and returns their ids, in order.
func (s *localStack) upload(count int) []media.ID {
	s.t.Helper()
	var drawing bytes.Buffer
	if err := png.Encode(&drawing, image.NewNRGBA(image.Rect(0, 0, 16, 16))); err != nil {
		s.t.Fatal(err)
	}
	ids := make([]media.ID, count)
	var group errgroup.Group
	group.SetLimit(8)
	for i := range ids {
		group.Go(func() error {
			response, err := http.Post(s.url+"/api/v1/images", "image/png", bytes.NewReader(drawing.Bytes()))
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusAccepted {
				return fmt.Errorf("%s %s: %w", response.Status, body, err)
			}
			var answer struct{ ID media.ID }
			err = json.Unmarshal(body, &answer)
			ids[i] = answer.ID
			return err
		})
	}
	if err := group.Wait(); err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// until asks again and again until something has happened.
func until(t *testing.T, what string, happened func() bool) {
	t.Helper()
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for !happened() {
		select {
		case <-pause.C:
		case <-t.Context().Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// presizeJSON runs a command with the presets of a quality and decodes the last line
// of its output. The lines before it are returned.
func presizeJSON(t *testing.T, quality string, result any, args ...string) (lines []string) {
	t.Helper()
	output, err := child(t, quality, append(args, "--local", "--json")...).Output()
	if err != nil {
		t.Fatalf("presize %q: %v", args, err)
	}
	lines = strings.Split(strings.TrimSpace(string(output)), "\n")
	last := len(lines) - 1
	if err := json.Unmarshal([]byte(lines[last]), result); err != nil {
		t.Fatalf("presize %q: %v: %s", args, err, output)
	}
	return lines[:last]
}

// child is a command in a process of its own.
func child(t *testing.T, quality string, args ...string) *exec.Cmd {
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.Env = append(os.Environ(), childVariable+"="+quality)
	command.Stderr = t.Output()
	return command
}

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
	if listed := presizeJSON(t, after, &outdated, "backfill", "--dry-run"); outdated.Invoked != count || len(listed) != count {
		t.Fatalf("outdated: %+v, %d listed", outdated, len(listed))
	}
	args := []string{"backfill", "--rate", "100"}
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
	if done.Seen != count || done.Invoked+done.Finished != count {
		t.Errorf("in the end: %+v", done)
	}
	until(t, "all are rendered again", func() bool { return finished(after) })
	last := stack.upload(1)[0] // comes after every invocation
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
			t.Errorf("%s was never invoked", id)
			continue
		}
		repeated += len(outcomes) - 1
		for _, outcome := range outcomes {
			if outcome == "published" {
				rendered++
			}
		}
	}
	t.Logf("%d originals: %d invocations repeated, %d rendered", len(ids), repeated, rendered)
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
