package vips

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
)

// task is one piece of work of a rendering. Where several can run, the lowest
// class goes first, and within a class the largest task: small ones then fill the
// gaps at the end, so that no processor is left alone with a long one.
type task struct {
	class int
	cost  int64
	run   func() error
}

// attempt runs the task. A panic is an error of its rendering, not the end of all
// others that the process has under way.
func (t task) attempt() (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v\n%s", reason, debug.Stack())
		}
	}()
	return t.run()
}

// The classes, in the order in which a rendering needs their results.
const (
	resizing   = iota // unlocks other tasks
	quickCodec        // makes the upload ready
	slowCodec         // makes it complete
)

// schedule runs tasks that may add further tasks.
type schedule struct {
	mu      sync.Mutex
	changed *sync.Cond
	waiting []task
	running int
	err     error
}

func newSchedule() *schedule {
	s := new(schedule)
	s.changed = sync.NewCond(&s.mu)
	return s
}

// add lets a task run as soon as a worker is free.
func (s *schedule) add(t task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, t)
	s.changed.Signal()
}

// run works until every task is done, one has failed, or ctx is done, and returns
// the first error.
func (s *schedule) run(ctx context.Context, workers int) error {
	stop := context.AfterFunc(ctx, func() { s.fail(context.Cause(ctx)) })
	defer stop()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				t, ok := s.next()
				if !ok {
					return
				}
				s.done(t.attempt())
			}
		})
	}
	all.Wait()
	s.mu.Lock() // the end of ctx may still be on its way into err
	defer s.mu.Unlock()
	return s.err
}

// next waits for a task. It reports false when there will be none any more.
func (s *schedule) next() (task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.err == nil && len(s.waiting) == 0 && s.running > 0 {
		s.changed.Wait()
	}
	if s.err != nil || len(s.waiting) == 0 {
		return task{}, false
	}
	best := 0
	for i, t := range s.waiting {
		if b := s.waiting[best]; t.class < b.class || t.class == b.class && t.cost > b.cost {
			best = i
		}
	}
	t := s.waiting[best]
	s.waiting = slices.Delete(s.waiting, best, best+1)
	s.running++
	return t, true
}

func (s *schedule) done(err error) {
	s.fail(err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.changed.Broadcast()
}

func (s *schedule) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.changed.Broadcast()
}
