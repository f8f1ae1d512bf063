package main

import (
	"bufio"
	"bytes"
	"encoding/json"
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
	"github.com/presize/presize/worker/renderer/renderertest"
)

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
	if err := os.Link(renderertest.Path(t), filepath.Join(dir, "renderer")); err != nil {
		t.Fatal(err)
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
