package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// trialVariable makes the test binary a process in the sandbox, which does what the
// variable says.
const trialVariable = "PRESIZE_TEST_TRIAL"

func TestMain(m *testing.M) {
	trial, ok := trials()[os.Getenv(trialVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := trial(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// trials are what a process does, by name.
func trials() map[string]func() error {
	report := func() error { return json.NewEncoder(os.Stdout).Encode(Check()) }
	return map[string]func() error{
		"open": report,
		"limited": func() error {
			return errors.Join(Limit(1<<30, time.Minute), report())
		},
		"sealed": func() error {
			return errors.Join(Limit(1<<30, time.Minute), Seal(), report())
		},
		"memory": func() error {
			if err := Limit(256<<20, time.Minute); err != nil {
				return err
			}
			kept := make([][]byte, 0, 64)
			for range cap(kept) {
				kept = append(kept, make([]byte, 16<<20))
			}
			fmt.Println(len(kept))
			return nil
		},
		"processor time": func() error {
			if err := Limit(0, time.Second); err != nil {
				return err
			}
			for {
				runtime.Gosched()
			}
		},
		"file size": func() error {
			file, err := os.Create("file")
			if err != nil {
				return err
			}
			if err := Limit(0, time.Minute); err != nil {
				return err
			}
			_, err = file.WriteString("x")
			return err
		},
	}
}

// run runs a trial, started by a confined thread or not.
func run(t *testing.T, trial string, confined bool) (output string, err error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(self)
	command.Dir = t.TempDir()
	command.Env = []string{trialVariable + "=" + trial}
	command.Stdin = strings.NewReader("")
	var stdout, stderr strings.Builder
	command.Stdout, command.Stderr = &stdout, &stderr
	Apart(func() {
		if confined {
			err = ConfineThread([]string{self, "/lib64", "/lib"}, []string{"/lib", "/lib64", "/usr/lib", filepath.Join(self, "absent")})
		}
		if err == nil {
			err = command.Run()
		}
	})
	if err != nil {
		return stdout.String(), fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), nil
}

// check runs a trial that reports what is denied.
func check(t *testing.T, trial string, confined bool) (denied []string) {
	t.Helper()
	output, err := run(t, trial, confined)
	if err != nil {
		t.Fatal(err)
	}
	var report map[string]bool
	if err := json.Unmarshal([]byte(output), &report); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(report, func(_ string, held bool) bool { return !held })
	return slices.Sorted(maps.Keys(report))
}

// What each part of the sandbox denies by itself. A kernel that can't do it fails here:
// then the sandbox works without, and the test can't tell that it works.
func TestEachPartDeniesItsShare(t *testing.T) {
	limits := []string{"core dumps", "descriptors", "file size", "memory", "processor time"}
	for name, test := range map[string]struct {
		trial    string
		confined bool
		denied   []string
	}{
		"limits": {"limited", false, limits},
		"Landlock and no new privileges": {"open", true,
			[]string{"new privileges", "reading files", "signals", "signals to threads", "writing files"}},
		"seccomp": {"sealed", false, slices.Concat(limits, []string{"connecting", "creating files", "executing", "internet", "memory of others", "new code", "new privileges",
			"processes", "raising limits", "reading files", "signals", "signals to threads", "tracing", "unix sockets", "writing files"})},
	} {
		t.Run(name, func(t *testing.T) {
			before := check(t, "open", false)
			denied := check(t, test.trial, test.confined)
			for _, want := range test.denied {
				if !slices.Contains(denied, want) {
					t.Errorf("%s is not denied", want)
				}
				if slices.Contains(before, want) && !slices.Contains(limits, want) { // a machine may have limits
					t.Errorf("%s is denied without a sandbox too: the test shows nothing", want)
				}
			}
		})
	}
}

func TestMemoryBeyondTheLimitCannotBeAllocated(t *testing.T) {
	output, err := run(t, "memory", false)
	if err == nil || !strings.Contains(err.Error(), "out of memory") && !strings.Contains(err.Error(), "cannot allocate memory") {
		t.Errorf("got %q, %.200v", output, err)
	}
}

func TestProcessorTimeBeyondTheLimitKills(t *testing.T) {
	_, err := run(t, "processor time", false)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Errorf("got %v", err)
	}
}

func TestNoFileGetsAByte(t *testing.T) {
	if _, err := run(t, "file size", false); err == nil || !strings.Contains(err.Error(), "file too large") {
		t.Errorf("got %v", err)
	}
}
