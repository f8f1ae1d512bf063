package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// stage is a deployment in an account.
type stage struct {
	account account
	gateway gateway
	trigger func() trigger
	clients bool          // uploads are made by clients, which wait for the result
	hold    time.Duration // for so long at most the API holds the answer to a status request
	job     func(*rand.Rand) time.Duration
	fails   func(*rand.Rand, time.Duration) bool // reports whether a run that starts at that time fails
	outage  bool                                 // it is S3 that fails, and not the renderer
}

// trigger brings the events of stored originals to the worker.
type trigger interface {
	next(s *simulation, number int)  // the next attempt of an event: the first, or when a pause is over
	ended(s *simulation, number int) // a run of it has ended
	poll(s *simulation)              // the appointment for which it asked is there
}

// outcome is the result of one simulation.
type outcome struct {
	uploads   int
	refused   int             // clients that never got a grant
	abandoned int             // clients that gave up because their status requests were refused
	lost      int             // events in the failure queue
	untried   int             // those of them that no run was ever started for
	throttled int             // attempts to invoke the worker without a free place
	grants    []time.Duration // until a client had its grant; sorted
	ready     []time.Duration // from the stored original until it is ready; sorted
	waiting   []int           // waiting events at the end of every step
	running   []int           // workers
	held      []int           // invocations of the API
	busy      time.Duration   // of all workers together
	end       time.Duration   // of the last job
	most      int             // invocations at a time, of both functions
}

// quantile returns a quantile of sorted durations.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// upload is one upload with all its attempts.
type upload struct {
	arrived, stored, began, received time.Duration

	changed                      time.Duration // when its original or its manifest was stored last
	client                       client
	progress                     progress
	running                      bool
	hidden                       bool // its message is received and not given back
	failures, backoffs, receives int
}

// simulation is the state of a stage.
type simulation struct {
	stage
	random  *rand.Rand
	now     time.Duration
	queue   trigger
	uploads []upload // in the order of their arrival
	pending agenda   // of upload number and kind: number * kinds + kind
	waits   int      // events that wait
	outcome
}

// Kinds of appointments.
const (
	event   = iota // an attempt to invoke the worker, or the end of its run
	visitor        // a step of a client
	renders        // an upload becomes ready
	poll           // only with number 0
	kinds
)

// simulate sends uploads to a stage, until each of them is ready or lost. The same seed gives
// the same outcome.
func simulate(stage stage, arrivals arrivals, step time.Duration, seed uint64) outcome {
	s := &simulation{stage: stage, random: rand.New(rand.NewPCG(seed, 0)), queue: stage.trigger()}
	next, more := arrivals.after(0, s.random)
	sampled := step
	for more || len(s.pending) > 0 {
		if more && (len(s.pending) == 0 || next <= s.pending[0].at) {
			for ; sampled <= next; sampled += step {
				s.sample()
			}
			s.now = next
			s.arrive()
			next, more = arrivals.after(next, s.random)
			continue
		}
		at, entry := s.pending.pop()
		for ; sampled <= at; sampled += step {
			s.sample()
		}
		s.now = at
		s.do(entry/kinds, entry%kinds)
	}
	s.outcome.uploads = len(s.uploads)
	s.sample()
	slices.Sort(s.grants)
	slices.Sort(s.ready)
	return s.outcome
}

func (s *simulation) sample() {
	s.outcome.waiting = append(s.outcome.waiting, s.waits)
	s.outcome.running = append(s.outcome.running, s.account.worker.running)
	s.outcome.held = append(s.outcome.held, s.account.api.running)
}

func (s *simulation) arrive() {
	number := len(s.uploads)
	s.uploads = append(s.uploads, upload{arrived: s.now})
	if !s.clients {
		s.store(number)
		return
	}
	s.uploads[number].client.state = granting
	s.meet(number, 0)
}

// store is the arrival of an original in the bucket.
func (s *simulation) store(number int) {
	u := &s.uploads[number]
	u.stored, u.changed = s.now, s.now
	s.waits++
	s.queue.next(s, number)
}

func (s *simulation) do(number, kind int) {
	u := &s.uploads[number]
	switch {
	case kind == visitor:
		if u.client.next == s.now && u.client.state != away {
			s.step(number)
		}
	case kind == renders:
		u.progress, u.changed = ready, s.now
		s.tell(number)
	case kind == poll:
		s.queue.poll(s)
	case u.running:
		s.finish(number)
	default:
		s.queue.next(s, number)
	}
}

// run starts a job, or returns false if there is no free place.
func (s *simulation) run(number int) bool {
	coldStart, ok := s.account.invoke(&s.account.worker, s.now)
	if !ok {
		s.throttled++
		return false
	}
	u := &s.uploads[number]
	duration := s.job(s.random)
	s.waits--
	u.running, u.began = true, s.now+coldStart
	s.busy += coldStart + duration
	s.most = max(s.most, s.account.worker.running+s.account.api.running)
	s.pending.push(u.began+duration, number*kinds+event)
	if s.fails(s.random, u.began) {
		u.failures++
	} else {
		s.pending.push(u.began+readyAfter(duration), number*kinds+renders)
	}
	return true
}

// finish ends a run.
func (s *simulation) finish(number int) {
	u := &s.uploads[number]
	u.running = false
	s.account.worker.end(s.now)
	s.outcome.end = s.now
	if u.progress == ready {
		u.progress = complete
		s.ready = append(s.ready, u.began+readyAfter(s.now-u.began)-u.stored)
		s.tell(number)
	} else {
		s.waits++
	}
	s.queue.ended(s, number)
}

// lose puts an event into the failure queue; its status is failed then.
func (s *simulation) lose(number int) {
	s.waits--
	s.lost++
	if s.uploads[number].began == 0 {
		s.untried++
	}
	s.uploads[number].progress = failure
	s.tell(number)
}
