package main

import (
	"time"

	"github.com/presize/presize/worker"
)

// direct is S3 invoking the worker through Lambda's asynchronous queue, as presize did until 0.1.
// We assume that a backoff is random in its upper half: AWS documents how it grows, but not how
// it is distributed.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
type direct struct {
	pauses       []time.Duration // before the second and third run of a job that failed
	firstBackoff time.Duration   // after a throttled attempt; doubles with every further one ...
	lastBackoff  time.Duration   // ... up to this
	age          time.Duration   // at which an event is dropped
}

func directly() *direct {
	return &direct{
		pauses:       []time.Duration{time.Minute, 2 * time.Minute},
		firstBackoff: time.Second,
		lastBackoff:  5 * time.Minute,
		age:          time.Hour,
	}
}

func (d *direct) next(s *simulation, number int) {
	if s.run(number) {
		return
	}
	u := &s.uploads[number]
	backoff := min(d.firstBackoff<<min(u.backoffs, 20), d.lastBackoff)
	u.backoffs++
	d.later(s, number, jitter(backoff, s.random))
}

func (d *direct) ended(s *simulation, number int) {
	switch u := &s.uploads[number]; {
	case u.progress == complete:
	case u.failures > len(d.pauses):
		s.lose(number)
	default:
		d.later(s, number, d.pauses[u.failures-1])
	}
}

func (d *direct) poll(*simulation) {}

// later lets an event wait, or drops it if it would be too old then.
func (d *direct) later(s *simulation, number int, pause time.Duration) {
	if s.now+pause > s.uploads[number].stored+d.age {
		s.lose(number)
		return
	}
	s.pending.push(s.now+pause, number*kinds+event)
}

// queued is an SQS queue between S3 and the worker, with Lambda's event source mapping.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
type queued struct {
	maximum    int           // MaximumConcurrency
	visibility time.Duration // for so long a message that is received is hidden
	receives   int           // maxReceiveCount
	// naive takes receives for tries: the third one is the last run, and the fourth one, which
	// is the last, only says that the upload has failed.
	naive bool

	visible   []int         // messages, the oldest first
	inFlight  int           // messages that are received
	pollers   float64       // messages that may be in flight, up to maximum
	behind    bool          // messages are left that could not be received
	polled    time.Duration // when that was so
	scheduled bool          // a poll is pending
}

// Lambda starts with five pollers, and starts one more each fifth of a second, 300 a minute,
// while messages are left. We assume that it stops them at the same rate.
const (
	fewestPollers = 5
	pollerEvery   = 200 * time.Millisecond
)

// throttlePause is how long a throttled message waits, the upper half of it at random. It is
// assumed: AWS says that Lambda backs off.
const throttlePause = time.Second

func throughQueue(maximum int) *queued {
	return &queued{maximum: maximum, visibility: visibility, receives: maxReceives, pollers: fewestPollers}
}

// naively is throughQueue that takes receives for tries.
func naively(maximum int) *queued {
	q := throughQueue(maximum)
	q.naive, q.receives = true, worker.Tries+1
	return q
}

func (q *queued) poll(s *simulation) {
	q.scheduled = false
	q.pull(s)
}

// pull receives messages, as many as may be in flight.
func (q *queued) pull(s *simulation) {
	started := float64(s.now-q.polled) / float64(pollerEvery)
	if q.behind {
		q.pollers += started
	} else {
		q.pollers = max(q.pollers-started, fewestPollers)
	}
	q.pollers, q.polled = min(q.pollers, float64(q.maximum)), s.now
	for len(q.visible) > 0 && q.inFlight < int(q.pollers) {
		number := q.visible[0]
		q.visible = q.visible[1:]
		q.receive(s, number)
	}
	q.behind = len(q.visible) > 0
	if q.behind && int(q.pollers) < q.maximum && !q.scheduled {
		q.scheduled = true
		s.pending.push(s.now+pollerEvery, poll)
	}
}

func (q *queued) receive(s *simulation, number int) {
	u := &s.uploads[number]
	if u.receives++; u.receives > q.receives {
		s.lose(number)
		return
	}
	q.inFlight++
	u.received, u.hidden = s.now, true
	q.next(s, number)
}

// next invokes the worker with a message in flight. Any other message becomes visible.
func (q *queued) next(s *simulation, number int) {
	u := &s.uploads[number]
	if !u.hidden {
		q.visible = append(q.visible, number)
		q.pull(s)
		return
	}
	if q.naive && u.receives > worker.Tries && s.account.free(&s.account.worker, s.now) {
		s.lose(number)
		q.inFlight--
		q.pull(s)
		return
	}
	if s.run(number) {
		return
	}
	pause := jitter(throttlePause, s.random)
	if until := u.received + q.visibility; s.now+pause > until {
		q.hide(s, number, until-s.now)
		return
	}
	s.pending.push(s.now+pause, number*kinds+event)
}

func (q *queued) ended(s *simulation, number int) {
	u := &s.uploads[number]
	runs, gone := u.failures, u.receives >= q.receives
	if q.naive {
		runs = u.receives
	}
	gone = gone || runs >= worker.Tries && (q.naive || !s.outage)
	switch {
	case u.progress != complete && !gone:
		q.hide(s, number, retryPause(runs))
		return
	case u.progress != complete:
		s.lose(number)
	}
	q.inFlight--
	q.pull(s)
}

// hide gives a message back, to be received again after a pause.
func (q *queued) hide(s *simulation, number int, pause time.Duration) {
	q.inFlight--
	s.uploads[number].hidden = false
	s.pending.push(s.now+pause, number*kinds+event)
	q.pull(s)
}
