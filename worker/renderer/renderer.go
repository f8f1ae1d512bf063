// Package renderer runs the program that decodes and encodes images as a child
// process, so that nothing that a file does to a decoder harms the worker. It starts
// the process, gives it originals, checks what it answers, ends it where it hangs,
// and replaces it.
//
// The process has no credentials, no network, no files and bounded memory; package
// sandbox says how. All that it can do is answer, and that is checked: see protocol.go.
//
// Only the decoder's own word rejects a file: a *media.Rejection. Every other end of
// a process (a crash, the limit of memory, a hang, nonsense as an answer, an error of
// an encoder) is ours. The process is replaced and the work repeated once by a fresh
// one; the second such end is a *[Failure].
package renderer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/presize/presize/internal/media"
)

const (
	// attempts is how often a render is tried, each time by a fresh process after
	// the first.
	attempts = 2
	// Reserve is the memory that the process of the worker takes beside an original,
	// in bytes: the renderer has the rest.
	Reserve = 160 << 20
)

// errClosed ends what is asked of a Renderer after its end.
var errClosed = errors.New("the renderer is closed")

// Config says what runs.
type Config struct {
	Path      string // of the program, see [Beside]
	Libraries string // directories for the loader, separated by colons: LD_LIBRARY_PATH
	Processes int    // how many there are at once, and so how many renders; 0 is 1
	Memory    int64  // bytes that the worker and one renderer have together; 0 for no limit
	Log       *slog.Logger
}

// Beside returns the path of the renderer where it is installed: the file of that
// name in the folder of this program.
func Beside() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(self), "renderer"), nil
}

// Renderer is the renderer's processes. It is safe for concurrent use.
type Renderer struct {
	config Config
	dir    string     // where processes start: empty, and theirs to read at most
	idle   chan *slot // one for each process that nobody uses
	ctx    context.Context
	end    context.CancelFunc
	all    sync.WaitGroup // processes and starts under way
}

// slot is the place of one process. Without a process it says why there is none.
type slot struct {
	*process
	err   error
	begun time.Time // when the start began that failed
}

// Start starts the processes ahead of their first use and does not wait for them.
// One that can't be started is an error of [Renderer.Probe]; a program that does not
// exist is an error at once.
func Start(config Config) (*Renderer, error) {
	if _, err := os.Stat(config.Path); err != nil {
		return nil, fmt.Errorf("start renderer: %w", err)
	}
	shield()
	dir, err := os.MkdirTemp("", "renderer-")
	if err != nil {
		return nil, fmt.Errorf("start renderer: %w", err)
	}
	config.Processes = max(1, config.Processes)
	r := &Renderer{config: config, dir: dir, idle: make(chan *slot, config.Processes)}
	r.ctx, r.end = context.WithCancel(context.Background())
	for range config.Processes {
		r.launch()
	}
	return r, nil
}

// Close ends all processes. Renders under way fail.
func (r *Renderer) Close() error {
	r.end()
	r.all.Wait()
	for len(r.idle) > 0 {
		if s := <-r.idle; s.err == nil {
			s.close()
		}
	}
	return os.RemoveAll(r.dir)
}

// Memory is what a process may have in use, in bytes; 0 for no limit.
func (r *Renderer) Memory() int64 {
	if r.config.Memory == 0 {
		return 0
	}
	return max(1, r.config.Memory-Reserve)
}

// MaxBytes is the largest original that there is memory for: worker and process each
// hold it.
func (r *Renderer) MaxBytes() int64 {
	if r.config.Memory == 0 {
		return math.MaxInt64
	}
	return r.Memory() / 2
}

// launch starts a process and puts it where it waits for its first use.
func (r *Renderer) launch() {
	if r.ctx.Err() != nil {
		r.idle <- &slot{err: errClosed}
		return
	}
	r.all.Go(func() {
		begun := time.Now()
		p, hello, err := r.start()
		if err == nil {
			holds, missing := hello.split()
			r.config.Log.Info("renderer sandbox", "pid", p.pid(), "denied", holds, "allowed", missing)
		}
		r.idle <- &slot{p, err, begun}
	})
}

// acquire waits for a process. A start that fails is an error only if it began after the
// call: an earlier one says nothing about the next, for example where Lambda has frozen the
// function between two invocations, and the start with it.
func (r *Renderer) acquire(ctx context.Context) (*process, error) {
	called := time.Now()
	for {
		select {
		case s := <-r.idle:
			if s.err == nil && s.alive() {
				return s.process, nil
			}
			r.launch()
			switch {
			case s.err == nil:
				s.close()
			case s.begun.Before(called):
				r.config.Log.Warn("renderer not started", "err", s.err)
			default:
				return nil, s.err
			}
		case <-r.ctx.Done():
			return nil, errClosed
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// release gives a process back that has answered everything. The next one is started
// in its place where it has done enough or keeps too much memory.
func (r *Renderer) release(p *process) {
	if !p.alive() || p.worn(r.Memory()) {
		r.replace(p)
		return
	}
	r.idle <- &slot{process: p}
}

// replace ends a process and starts the next one.
func (r *Renderer) replace(p *process) {
	p.kill()
	p.close()
	r.launch()
}

// Failure says that an original could not be rendered and that this is not the
// file's fault.
type Failure struct{ ends []error }

func (f *Failure) Error() string { return "the renderer ended: " + errors.Join(f.ends...).Error() }

// Unwrap returns how each attempt ended.
func (f *Failure) Unwrap() []error { return f.ends }

// Original is an original in the hands of a process that has looked at it.
type Original struct {
	Info
	renderer *Renderer
	request  Request
	process  *process  // nil once given back
	ends     []error   // of the attempts so far
	ended    time.Time // the last of them: only a process that is younger is fresh
}

// Probe looks at the header of an original and decodes nothing. The error is a
// *media.Rejection where the file can't be accepted, or where its rendering to the
// preset would take more memory than there is; what is known of the file is in the
// Info even then. It is a *[Failure] where the fault is ours. The caller closes the
// original, also after an error.
func (r *Renderer) Probe(ctx context.Context, original []byte, limits media.Limits, preset media.Preset) (*Original, error) {
	if r.config.Memory != 0 {
		limits.Memory = max(1, r.Memory()-int64(len(original)))
	}
	o := &Original{renderer: r, request: Request{Limits: limits, Preset: preset, Original: original}}
	return o, o.open(ctx)
}

// Close gives the original's process back, if it still has one.
func (o *Original) Close() {
	if o.process != nil {
		o.renderer.release(o.process)
		o.process = nil
	}
}

// discard replaces the original's process, if it still has one.
func (o *Original) discard() {
	if o.process != nil {
		o.renderer.replace(o.process)
		o.process = nil
	}
}

// open gives the original to a process. Where that ends, it goes to the next one, as
// long as there are attempts left.
func (o *Original) open(ctx context.Context) error {
	for {
		p, err := o.renderer.acquire(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			if err := o.note(ctx, err); err != nil {
				return err
			}
			continue
		}
		if p.born.Before(o.ended) { // what ended the other one may have harmed this one too
			o.renderer.replace(p)
			continue
		}
		o.process = p
		info, err := p.probe(ctx, o.request)
		var rejection *media.Rejection
		switch {
		case errors.As(err, &rejection):
			o.Info = info
			o.Close()
			return err
		case err != nil:
			if err := o.note(ctx, err); err != nil {
				return err
			}
		case p.renders > 0 && o.renderer.Memory() != 0 && p.resident()+info.Memory > o.renderer.Memory():
			o.discard() // what it keeps of earlier renders leaves too little
		default:
			o.Info = info
			return nil
		}
	}
}

// note takes note of an end that is not the file's fault, and replaces the process.
// It returns nil where there is an attempt left.
func (o *Original) note(ctx context.Context, err error) error {
	o.ended = time.Now() // before the next process is started
	o.discard()
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Cause(ctx)
	}
	o.ends = append(o.ends, err)
	o.renderer.config.Log.Warn("renderer ended", "err", err)
	if len(o.ends) == attempts || ctx.Err() != nil {
		return &Failure{o.ends}
	}
	return nil
}
