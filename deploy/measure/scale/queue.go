package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// function is a Lambda function behind its asynchronous queue, as far as AWS
// documents both:
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
type function struct {
	concurrency int           // runs at a time
	burst       int           // environments that can be started at once ...
	refill      time.Duration // ... and how long until another one can
	idle        time.Duration // until an unused environment is gone; assumed, AWS does not say
	coldStart   time.Duration
	job         func(*rand.Rand) time.Duration
	fails       func(*rand.Rand, time.Duration) bool // whether a run that starts then ends with an error

	pauses       []time.Duration // before the second and third run of a job that failed
	firstBackoff time.Duration   // after a throttled attempt; doubles with every further one ...
	lastBackoff  time.Duration   // ... up to this
	age          time.Duration   // of an event that is given up
}

// lambda is the worker with the documented figures. That a backoff is spread over its
// upper half is assumed: AWS tells how it grows, and not how it is spread.
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

// outcome is what became of all events of a run of the simulation.
type outcome struct {
	arrived, lost int             // lost are those in the failure queue
	throttled     int             // attempts that found nothing free
	ready         []time.Duration // of every other event, after its arrival; sorted
	waiting       []int           // events without a free place, at the end of every step
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

// event is one upload on its way, through all attempts.
type event struct {
	arrived, began     time.Duration
	failures, backoffs int
	running            bool
}

// simulation is a function at work.
type simulation struct {
	function
	random  *rand.Rand
	now     time.Duration
	events  []event         // in the order of their arrival
	pending agenda          // what happens next to each that is not ready or lost
	unused  []time.Duration // since when each idle environment is; the last one is taken first
	started time.Duration   // when the bucket of environments to start would have been empty
	running int
	outcome
}

// simulate sends a function the events of arrivals, until every one of them is ready
// or lost. The same seed gives the same outcome.
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

// try starts a job, or puts its event back where there is no place for it.
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

// later lets an event wait, unless it gets too old meanwhile.
func (s *simulation) later(number int, pause time.Duration) {
	if s.now+pause > s.events[number].arrived+s.age {
		s.lost++
		return
	}
	s.pending.push(s.now+pause, number)
}

// place takes an environment, cold if it has to be started, if there can be one.
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
