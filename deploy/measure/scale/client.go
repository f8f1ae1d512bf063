package main

import "time"

// client is how presize.js behaves; web/presize.js and web/transport.js have the figures.
type client struct {
	state    clientState
	next     time.Duration // when it does its next step; an appointment at another time is void
	attempts int           // of the current request
	target   progress      // what it waits for
	asked    time.Duration // when it sent the request that waits
	pause    time.Duration // from one such request to the next
}

type clientState int

const (
	away      clientState = iota // it has all it wants, or has given up
	granting                     // it asks for a grant
	granted                      // the API makes the grant
	uploading                    // it puts the file
	asking                       // it asks for the status
	held                         // the API holds the answer until there is news
)

// progress is how far an upload is.
type progress int

const (
	nothing progress = iota
	ready
	complete
	failure
)

const (
	attempts   = 4 // at one request
	firstPause = 500 * time.Millisecond
	lastPause  = 5 * time.Second
)

func (s *simulation) step(number int) {
	u := &s.uploads[number]
	switch u.client.state {
	case granting:
		if s.request(number, grantDuration) {
			u.client.state = granted
		}
	case granted:
		s.account.api.end(s.now)
		s.grants = append(s.grants, s.now-u.arrived)
		u.client.state = uploading
		s.meet(number, putTime)
	case uploading:
		u.client.state, u.client.target, u.client.pause = asking, ready, firstPause
		s.meet(number, 0)
		s.store(number)
	case asking:
		if s.now > u.stored+patience {
			u.client.state = away
			return
		}
		duration := statusTime
		if u.progress < u.client.target {
			duration = max(duration, s.holds(u))
		}
		u.client.asked = s.now
		if s.request(number, duration) {
			u.client.state = held
		}
	case held:
		s.account.api.end(s.now)
		s.answered(number)
	}
}

// holds returns how long the API holds an answer without news at most. S3 tells it in whole
// seconds when the original or the manifest was stored.
func (s *simulation) holds(u *upload) time.Duration {
	return min(s.hold, newsTime-(s.now-u.changed.Truncate(time.Second)))
}

// request sends a client's request to the API, which takes that long to answer. Refused with
// 429 or 503, the client repeats it or gives up.
func (s *simulation) request(number int, duration time.Duration) bool {
	c := &s.uploads[number].client
	if s.gateway.admits(s.now) {
		if coldStart, ok := s.account.invoke(&s.account.api, s.now); ok {
			c.attempts = 0
			s.meet(number, coldStart+duration)
			return true
		}
	}
	if c.attempts++; c.attempts < attempts {
		s.meet(number, jitter(firstPause<<c.attempts, s.random))
		return false
	}
	if c.state == granting {
		s.refused++
	} else {
		s.abandoned++
	}
	c.state = away
	return false
}

// answered is what a client does with a status.
func (s *simulation) answered(number int) {
	u := &s.uploads[number]
	c := &u.client
	switch {
	case u.progress >= complete:
		c.state = away
		return
	case u.progress >= c.target:
		c.target, c.pause = complete, firstPause
		c.state = asking
		s.meet(number, 0)
	default:
		c.state = asking
		s.meet(number, max(0, c.asked+c.pause-s.now))
		c.pause = min(c.pause*3/2, lastPause)
	}
}

// tell ends the wait of a client whose upload has come further.
func (s *simulation) tell(number int) {
	if u := &s.uploads[number]; u.client.state == held && u.progress >= u.client.target {
		s.meet(number, statusTime)
	}
}

// meet makes the appointment for a client's next step.
func (s *simulation) meet(number int, pause time.Duration) {
	u := &s.uploads[number]
	u.client.next = s.now + pause
	s.pending.push(u.client.next, number*kinds+visitor)
}
