package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// function is a Lambda function behind its asynchronous queue, as AWS documents them:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
type function struct {
	concurrency int           // runs at a time
	burst       int           // environments that can be started at once ...
	refill      time.Duration // ... and how long until another one can
	idle        time.Duration // until an unused environment ends; assumed, AWS does not say
	coldStart   time.Duration
	job         func(*rand.Rand) time.Duration
	fails       func(*rand.Rand, time.Duration) bool // reports whether a run that starts at that time fails

	pauses       []time.Duration // before the second and third run of a job that failed
	firstBackoff time.Duration   // after a throttled attempt; doubles with every further one ...
	lastBackoff  time.Duration   // ... up to this
	age          time.Duration   // at which an event is dropped
}

// lambda is the worker with the documented figures. We assume that a backoff is random in its
// upper half: AWS documents how it grows, but not how it is distributed.
func lambda(concurrency int) function {
	return function{
		concurrency:  concurrency,
		burst:        1000,
		refill:       10 * time.Millisecond,
		idle:         5 * time.Minute,
		coldStart:    coldStart,
		job:          func(random *rand.Rand) time.Duration { return drawJob(random, workerMemory) },
		fails:        func(*rand.Rand, time.Duration) bool { return false },
		pauses:       []time.Duration{time.Minute, 2 * time.Minute}[:retries],
		firstBackoff: time.Second,
		lastBackoff:  5 * time.Minute,
		age:          eventAge,
	}
}

// outcome is the result of one simulation.
type outcome struct {
	arrived, lost int             // lost events are in the failure queue
	throttled     int             // attempts without a free place
	ready         []time.Duration // of every other event, after its arrival; sorted
	waiting       []int           // waiting events at the end of every step
	running       []int
	busy          time.Duration // of all environments together
	end           time.Duration
}

func (o outcome) quantile(q float64) time.Duration {
	if len(o.ready) == 0 {
		return 0
	}
	return o.ready[int(q*float64(len(o.ready)-1))]
}

// event is one upload with all its attempts.
type event struct {
	arrived, began     time.Duration
	failures, backoffs int
	running            bool
}

// simulation is the state of a function.
type simulation struct {
	function
	random  *rand.Rand
	now     time.Duration
	events  []event         // in the order of their arrival
	pending agenda          // the next step of each event that is not ready or lost
	unused  []time.Duration // since when each environment is idle; the last one is used first
	started time.Duration   // when the bucket of environments to start would have been empty
	running int
	outcome
}

// simulate sends the events of arrivals to a function, until each of them is ready or lost.
// The same seed gives the same outcome.
func simulate(f function, arrivals arrivals, step time.Duration, seed uint64) outcome {
	s := &simulation{
		function: f,
		random:   rand.New(rand.NewPCG(seed, 0)),
		started:  -time.Duration(f.burst) * f.refill,
	}
	next, more := arrivals.after(0, s.random)
	sampled := step
	for more || len(s.pending) > 0 {
		arrives := more && (len(s.pending) == 0 || next <= s.pending[0].at)
		number := len(s.events)
		if arrives {
			s.now = next
			s.events = append(s.events, event{arrived: next})
			next, more = arrivals.after(next, s.random)
		} else {
			s.now, number = s.pending.pop()
		}
		for ; sampled <= s.now; sampled += step {
			s.sample()
		}
		if s.events[number].running {
			s.finish(number)
		} else {
			s.try(number)
		}
	}
	s.arrived = len(s.events)
	s.sample()
	s.end = s.now
	slices.Sort(s.ready)
	return s.outcome
}

func (s *simulation) sample() {
	s.outcome.waiting = append(s.outcome.waiting, len(s.pending)-s.running)
	s.outcome.running = append(s.outcome.running, s.running)
}

// try starts a job, or puts its event back if there is no free place.
func (s *simulation) try(number int) {
	e := &s.events[number]
	cold, ok := s.place()
	if !ok {
		s.throttled++
		backoff := min(s.firstBackoff<<min(e.backoffs, 20), s.lastBackoff)
		e.backoffs++
		s.later(number, backoff/2+time.Duration(s.random.Int64N(int64(backoff/2)+1)))
		return
	}
	e.running, e.began = true, s.now
	duration := s.job(s.random)
	if cold {
		duration += s.coldStart
		e.began += s.coldStart
	}
	s.running++
	s.busy += duration
	s.pending.push(s.now+duration, number)
}

// later lets an event wait, or drops it if it would be too old then.
func (s *simulation) later(number int, pause time.Duration) {
	if s.now+pause > s.events[number].arrived+s.age {
		s.lost++
		return
	}
	s.pending.push(s.now+pause, number)
}

// place takes an idle environment, or starts a new one (cold), within the limits.
func (s *simulation) place() (cold, ok bool) {
	if s.running >= s.concurrency {
		return false, false
	}
	fresh, _ := slices.BinarySearch(s.unused, s.now-s.idle)
	s.unused = s.unused[fresh:]
	if count := len(s.unused); count > 0 {
		s.unused = s.unused[:count-1]
		return false, true
	}
	// The bucket holds (now - started) / refill, and never more than burst.
	s.started = max(s.started, s.now-time.Duration(s.burst)*s.refill)
	if s.started+s.refill > s.now {
		return false, false
	}
	s.started += s.refill
	return true, true
}

// finish ends a run.
func (s *simulation) finish(number int) {
	e := &s.events[number]
	e.running = false
	s.running--
	s.unused = append(s.unused, s.now)
	switch {
	case !s.fails(s.random, e.began):
		s.ready = append(s.ready, e.began+readyAfter(s.now-e.began)-e.arrived)
	case e.failures < len(s.pauses):
		e.failures++
		s.later(number, s.pauses[e.failures-1])
	default:
		s.lost++
	}
}
