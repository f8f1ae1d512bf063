package main

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestFailedJobsAreTriedThreeTimes(t *testing.T) {
	waits := 3*time.Second + retryPause(1) + retryPause(2) // the direct trigger's are longer
	for name, s := range map[string]stage{"direct": throughS3(10, 10), "queue": throughSQS(10, 10)} {
		s.account.worker.coldStart = 0
		s.job, s.fails = fixed(time.Second), always
		o := simulate(alone(s), constant(0.01, 10*time.Minute), time.Second, seed)
		if o.uploads == 0 || o.lost != o.uploads {
			t.Errorf("%s: %d of %d lost", name, o.lost, o.uploads)
		}
		if want := time.Duration(o.uploads) * 3 * time.Second; o.busy != want {
			t.Errorf("%s: ran %v, want %v", name, o.busy, want)
		}
		if o.end < waits {
			t.Errorf("%s: the last attempt ended after %v, want the pauses between them too", name, o.end)
		}
	}
}

func TestThrottledEventsBackOffUntilTheyAreTooOld(t *testing.T) {
	events := directly()
	s := alone(newStage(0, 0, func() trigger { return events })) // there is never a place
	o := simulate(s, constant(2, time.Minute), time.Second, seed)
	if o.uploads == 0 || o.lost != o.uploads {
		t.Fatalf("%d of %d lost", o.lost, o.uploads)
	}
	// After the first attempt nine pauses of 1, 2, 4 ... 256 s, and then of 300 s; three quarters of each, on average.
	near(t, "attempts for each", float64(o.throttled)/float64(o.uploads), 1+9+(3600-0.75*511)/(0.75*300)-0.5, 0.02)
}

// A message that finds no place is received until its receives are used up, for its visibility timeout each time.
func TestThrottledMessagesAreReceivedAgain(t *testing.T) {
	s := alone(newStage(0, 0, func() trigger { return throughQueue(100) }))
	o := simulate(s, constant(1, 10*time.Second), 10*time.Second, seed)
	if o.uploads == 0 || o.lost != o.uploads {
		t.Fatalf("%d of %d lost", o.lost, o.uploads)
	}
	until := 0
	for i, waiting := range o.waiting {
		if waiting > 0 {
			until = i + 1
		}
	}
	near(t, "time until all are lost", float64(until)*10, maxReceives*visibility.Seconds(), 0.02)
}

// Where other functions use up the limit, three receives pass without any try.
func TestReceivesThatLambdaThrottlesAreNoTries(t *testing.T) {
	for name, test := range map[string]struct {
		stage   stage
		span    time.Duration
		untried bool
	}{
		"receives as tries":        {naive(throughSQS(1000, 500), 500), 45 * time.Minute, true},
		"receives as tries, brief": {naive(throughSQS(1000, 500), 500), 30 * time.Minute, false},
		"tries":                    {throughSQS(1000, 500), 3 * time.Hour, false},
		"tries, too long":          {throughSQS(1000, 500), maxReceives*visibility + time.Hour, true},
	} {
		o := simulate(crowded(alone(test.stage), test.span), constant(1, time.Minute), time.Minute, seed)
		want := 0
		if test.untried {
			want = o.uploads
		}
		if o.uploads == 0 || o.untried != want || o.lost != want || len(o.ready) != o.uploads-want {
			t.Errorf("%s: %d of %d never tried, %d lost, %d ready", name, o.untried, o.uploads, o.lost, len(o.ready))
		}
	}
}

func TestOutageOfS3LosesNothing(t *testing.T) {
	s := alone(throughSQS(1000, 500))
	s.job, s.outage = fixed(time.Second), true
	for hours, lost := range map[time.Duration]bool{3: false, 4: true} {
		s.fails = func(_ *rand.Rand, began time.Duration) bool { return began < hours*time.Hour }
		o := simulate(s, constant(1, time.Minute), time.Minute, seed)
		if o.uploads == 0 || (o.lost > 0) != lost || o.lost+len(o.ready) != o.uploads || o.untried > 0 {
			t.Errorf("%d hours: %d of %d lost, %d ready", hours, o.lost, o.uploads, len(o.ready))
		}
	}
}

// Five pollers at once, and one more each fifth of a second, up to the maximum.
func TestQueueStartsPollers(t *testing.T) {
	s := alone(throughSQS(1000, 100))
	s.job, s.account.worker.coldStart = fixed(time.Hour), 0
	o := simulate(s, constant(500, 30*time.Second), time.Second, seed)
	for i, running := range o.running[:30] {
		near(t, "running", float64(running), min(5+5*float64(i+1), 100), 0.1)
	}
}
