package renderer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/presize/presize/worker/renderer/sandbox"
)

const (
	// startTimeout is far more than a process needs until it says hello.
	startTimeout = 30 * time.Second
	// maxRenders and the shares below bound what a process collects: a leak, or memory
	// that its allocators keep.
	maxRenders = 500
	maxKept    = 0.25 // of the memory that it may have in use
	maxKeptCPU = CPU / 2
	// maxStderr is how much of what a process writes beside its answers is kept, in bytes.
	maxStderr = 4 << 10
)

// CPU is the processor time that a process may take in its life. It is replaced after
// half of that, so every render has the other half at least.
const CPU = 20 * time.Minute

// process is one process of the renderer.
type process struct {
	command   *exec.Cmd
	questions *os.File
	pipe      *os.File // where answers come from
	answers   *bufio.Reader
	stderr    *head
	born      time.Time
	renders   int
	killed    bool          // in the middle of a conversation, or just after it
	ended     chan struct{} // closed when the process has ended
}

// start starts a process and waits for its hello.
func (r *Renderer) start() (*process, Hello, error) {
	theirQuestions, questions, err := os.Pipe()
	if err != nil {
		return nil, Hello{}, fmt.Errorf("start renderer: %w", err)
	}
	answers, theirAnswers, err := os.Pipe()
	if err != nil {
		return nil, Hello{}, errors.Join(fmt.Errorf("start renderer: %w", err), theirQuestions.Close(), questions.Close())
	}
	p := &process{
		command:   exec.Command(r.config.Path, strconv.FormatInt(r.Memory(), 10)),
		questions: questions,
		pipe:      answers,
		answers:   bufio.NewReader(answers),
		stderr:    new(head),
		born:      time.Now(),
		ended:     make(chan struct{}),
	}
	p.command.Dir = r.dir
	p.command.Env = environment(r.config.Libraries)
	p.command.Stdin, p.command.ExtraFiles = theirQuestions, []*os.File{theirAnswers}
	p.command.Stdout, p.command.Stderr = p.stderr, p.stderr // libraries may print anywhere
	p.command.WaitDelay = time.Second
	p.command.SysProcAttr = attributes()

	started := make(chan error)
	r.all.Go(func() {
		// The thread is restricted for the process that it starts, and its end would be the
		// end of that process.
		sandbox.Apart(func() {
			if err := confine(r.config); err != nil {
				r.config.Log.Warn("renderer not confined", "err", err)
			}
			err := errors.Join(p.command.Start(), theirQuestions.Close(), theirAnswers.Close())
			started <- err
			if err == nil {
				stop := context.AfterFunc(r.ctx, p.kill)
				_ = p.command.Wait() // how it ended is in its state
				stop()
			}
		})
		close(p.ended)
	})
	if err := <-started; err != nil {
		p.close()
		return nil, Hello{}, fmt.Errorf("start renderer: %w", err)
	}
	hello, err := p.hello(r.ctx)
	return p, hello, err
}

// Settings are what libvips and malloc run with, as name=value.
func Settings() []string {
	return []string{
		"VIPS_BLOCK_UNTRUSTED=1", // no loader that is not meant for foreign files
		"VIPS_WARNING=1",         // no warnings
		"MALLOC_ARENA_MAX=1",     // wastes the least memory
		// Else large images go through temporary files, which the sandbox denies.
		"VIPS_DISC_THRESHOLD=1000g",
	}
}

// environment is all that a process has.
func environment(libraries string) []string {
	return append(Settings(),
		"LD_LIBRARY_PATH="+libraries,
		// Else it would look for limits in /proc and /sys, which it can't read.
		"GOMAXPROCS="+strconv.Itoa(runtime.GOMAXPROCS(0)))
}

func (p *process) pid() int { return p.command.Process.Pid }

// kill ends the process at once. One that has ended already stays so.
func (p *process) kill() { _ = p.command.Process.Kill() }

// close closes what is left of the conversation with a process.
func (p *process) close() { _ = errors.Join(p.questions.Close(), p.pipe.Close()) }

// alive reports whether the process can be asked.
func (p *process) alive() bool {
	select {
	case <-p.ended:
		return false
	default:
		return !p.killed
	}
}

// resident is the memory that the process has in use, in bytes; 0 where the system does
// not tell.
func (p *process) resident() int64 {
	resident, _ := usage(p.pid())
	return resident
}

// worn reports whether the process has done enough, or keeps too much.
func (p *process) worn(memory int64) bool {
	resident, cpu := usage(p.pid())
	return p.renders >= maxRenders || cpu > maxKeptCPU || memory > 0 && resident > int64(maxKept*float64(memory))
}

// head keeps the beginning of what is written to it.
type head struct {
	mu   sync.Mutex
	kept []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = append(h.kept, p[:min(len(p), maxStderr-len(h.kept))]...)
	return len(p), nil
}

// Reset forgets what was written so far.
func (h *head) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept = nil
}

func (h *head) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.kept) == 0 {
		return ""
	}
	return fmt.Sprintf(": %q", h.kept)
}
