// Package renderertest builds the renderer's program for tests, so that these run what
// is deployed.
package renderertest

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/presize/presize/worker/renderer"
)

// build builds the program beside that of the test, where [renderer.Beside] finds it
// and go test removes it.
var build = sync.OnceValues(func() (string, error) {
	path, err := renderer.Beside()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil // this is a child of the test that has built it
	}
	lock, err := os.Create(filepath.Join(os.TempDir(), "presize-renderertest.lock"))
	if err != nil {
		return "", err
	}
	defer lock.Close()
	// Tests of several packages run at once. One after the other they compile the C code once.
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	_, here, _, _ := runtime.Caller(0) // tests change the working directory
	command := exec.Command("go", "build", "-o", path, "./worker/vips/render")
	command.Dir = filepath.Join(filepath.Dir(here), "../../..")
	command.Env = append(command.Environ(), "CGO_ENABLED=1")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, output)
	}
	return path, nil
})

// Path returns the path of the program.
func Path(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Start starts a renderer until the test ends, for two jobs beside each other and without a
// limit of memory.
func Start(t testing.TB) *renderer.Renderer {
	t.Helper()
	return StartWith(t, renderer.Config{Path: Path(t), Processes: 2, Log: slog.New(slog.DiscardHandler)})
}

// StartWith starts a renderer until the test ends.
func StartWith(t testing.TB, config renderer.Config) *renderer.Renderer {
	t.Helper()
	r, err := renderer.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// Kill ends every process of a renderer that this process has started, as a crash does,
// and returns how many there were. It works on Linux.
func Kill(t testing.TB) (killed int) {
	t.Helper()
	for _, pid := range Processes(t) {
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// Resident is the memory in use by the processes of renderers that this process has started, in
// bytes. It works on Linux.
func Resident(t testing.TB) (bytes int64) {
	t.Helper()
	for _, pid := range Processes(t) {
		statm, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		var size, resident int64 // pages
		if err != nil {
			continue // it has ended meanwhile
		}
		if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
			t.Fatal(err)
		}
		bytes += resident * int64(os.Getpagesize())
	}
	return bytes
}

// Processes returns the ids of the processes of renderers that this process has started and
// that have not ended. It works on Linux.
func Processes(t testing.TB) (pids []int) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended meanwhile
		}
		var pid, parent int
		var command, state string
		_, err = fmt.Sscan(string(stat), &pid, &command, &state, &parent)
		if err == nil && parent == os.Getpid() && command == "(renderer)" && state != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}
