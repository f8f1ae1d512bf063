package main

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// station is a function without Lambda's scaling: so that theory has a formula for it.
func station(places int, job func(*rand.Rand) time.Duration) function {
	f := lambda(places)
	f.burst, f.coldStart, f.job = math.MaxInt32, 0, job
	return f
}

func fixed(d time.Duration) func(*rand.Rand) time.Duration {
	return func(*rand.Rand) time.Duration { return d }
}

func exponential(mean float64) func(*rand.Rand) time.Duration {
	return func(random *rand.Rand) time.Duration { return seconds(mean * random.ExpFloat64()) }
}

func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("%s: got %.4f, want %.4f", what, got, want)
	}
}

func TestEveryEventEndsOnce(t *testing.T) {
	short := lambda(20)
	short.age = 20 * time.Second
	short.fails = func(random *rand.Rand, _ time.Duration) bool { return random.Float64() < 0.3 }
	short.pauses = []time.Duration{time.Second, 2 * time.Second}
	o := simulate(short, burst(15, 5*time.Minute), time.Second, seed)
	if o.lost == 0 || len(o.ready) == 0 || o.throttled == 0 {
		t.Fatalf("a run in which nothing happens shows nothing: %d lost, %d ready, %d throttled", o.lost, len(o.ready), o.throttled)
	}
	if o.arrived != len(o.ready)+o.lost {
		t.Errorf("%d arrived, %d ready, %d lost", o.arrived, len(o.ready), o.lost)
	}
	if last := len(o.waiting) - 1; o.waiting[last] != 0 || o.running[last] != 0 {
		t.Errorf("at the end %d wait and %d run", o.waiting[last], o.running[last])
	}
	if most := slices.Max(o.running); most > 20 {
		t.Errorf("%d ran at a time, want at most 20", most)
	}
}

func TestTheSameSeedGivesTheSameOutcome(t *testing.T) {
	run := func(seed uint64) outcome { return simulate(lambda(20), burst(5, 5*time.Minute), time.Second, seed) }
	if !reflect.DeepEqual(run(1), run(1)) {
		t.Error("two runs with one seed differ")
	}
	if reflect.DeepEqual(run(1).ready, run(2).ready) {
		t.Error("two seeds give the same")
	}
}

// If an event without a free place is lost at once, the share of lost events follows Erlang's
// formula B, for any distribution of the jobs (Erlang 1917, Sevastyanov 1957).
func TestLossIsErlangB(t *testing.T) {
	const places, load = 10, 8.0
	erlang := 1.0
	for n := 1.0; n <= places; n++ {
		erlang = load * erlang / (n + load*erlang)
	}
	for name, job := range map[string]func(*rand.Rand) time.Duration{
		"fixed":       fixed(time.Second),
		"exponential": exponential(1),
	} {
		f := station(places, job)
		f.age = 0
		o := simulate(f, constant(load, 10*time.Hour), time.Minute, seed)
		near(t, name, float64(o.lost)/float64(o.arrived), erlang, 0.03)
	}
}

// Where everybody finds a place, as many run on average as arrive while one runs (Little 1961).
func TestRunningIsLittlesLaw(t *testing.T) {
	o := simulate(station(math.MaxInt32, exponential(3)), constant(20, 3*time.Hour), time.Second, seed)
	near(t, "by time", o.busy.Seconds()/o.end.Seconds(), 20*3, 0.02)
	sum := 0
	for _, n := range o.running {
		sum += n
	}
	near(t, "by samples", float64(sum)/float64(len(o.running)), 20*3, 0.02)
}

// If waiting events retry all the time, the mean wait for one place is that of M/D/1
// (Pollaczek 1930, Khinchin 1932). The order in which they get the place does not matter.
func TestWaitIsPollaczekKhinchine(t *testing.T) {
	const load = 0.7
	f := station(1, fixed(time.Second))
	f.firstBackoff, f.lastBackoff = 10*time.Millisecond, 10*time.Millisecond
	o := simulate(f, constant(load, 20*time.Hour), time.Minute, seed)
	var wait float64
	for _, ready := range o.ready {
		wait += (ready - readyAfter(time.Second)).Seconds()
	}
	near(t, "mean wait", wait/float64(len(o.ready)), load/(2*(1-load)), 0.06)
}

func TestEnvironmentsComeAtLambdasRate(t *testing.T) {
	f := lambda(math.MaxInt32)
	f.job = fixed(time.Hour)
	o := simulate(f, constant(2000, 30*time.Second), time.Second, seed)
	for i, running := range o.running[:30] {
		// At the end of the first second there are the 1,000 at once and another 100.
		near(t, "running", float64(running), 1000+100*float64(i+1), 0.01)
	}
}

func TestUnusedEnvironmentsGo(t *testing.T) {
	f := lambda(10)
	f.coldStart, f.job, f.idle = 7*time.Second, fixed(time.Second), 5*time.Minute
	for pause, want := range map[time.Duration]time.Duration{
		4 * time.Minute: readyAfter(time.Second),
		6 * time.Minute: 7*time.Second + readyAfter(time.Second),
	} {
		s := &simulation{function: f, started: -time.Hour, events: make([]event, 2)}
		s.try(0)
		s.now, _ = s.pending.pop()
		s.finish(0)
		s.now += pause
		s.events[1].arrived = s.now
		s.try(1)
		s.now, _ = s.pending.pop()
		s.finish(1)
		if got := s.ready[1]; got != want {
			t.Errorf("after %v: ready in %v, want %v", pause, got, want)
		}
	}
}

func TestFailedJobsAreTriedThreeTimes(t *testing.T) {
	f := station(10, fixed(time.Second))
	f.fails = func(*rand.Rand, time.Duration) bool { return true }
	o := simulate(f, constant(0.01, 10*time.Minute), time.Second, seed)
	if o.arrived == 0 || o.lost != o.arrived {
		t.Errorf("%d of %d lost", o.lost, o.arrived)
	}
	if want := time.Duration(o.arrived) * 3 * time.Second; o.busy != want {
		t.Errorf("ran %v, want %v", o.busy, want)
	}
}

func TestRetriesWaitAsLambdaDoes(t *testing.T) {
	f := station(10, fixed(time.Second))
	f.fails = func(_ *rand.Rand, began time.Duration) bool { return began < 4*time.Minute }
	o := simulate(f, arrivals{func(time.Duration) float64 { return 1 }, 1, 30 * time.Second}, time.Second, seed)
	// All of them arrive in the first half minute: the third run begins 3 min 2 s after the first.
	if o.lost != o.arrived || o.end < 3*time.Minute+3*time.Second || o.end > 3*time.Minute+33*time.Second {
		t.Errorf("%d of %d lost, the last after %v", o.lost, o.arrived, o.end)
	}
}

func TestThrottledEventsBackOffUntilTheyAreTooOld(t *testing.T) {
	f := lambda(0) // there is never a place
	o := simulate(f, constant(2, time.Minute), time.Second, seed)
	if o.arrived == 0 || o.lost != o.arrived {
		t.Fatalf("%d of %d lost", o.lost, o.arrived)
	}
	if o.end > f.age+time.Minute {
		t.Errorf("the last was given up after %v, want within %v of its arrival", o.end, f.age)
	}
	// After the first attempt nine pauses of 1, 2, 4 ... 256 s, and then of 300 s; three quarters of each, on average.
	near(t, "attempts for each", float64(o.throttled)/float64(o.arrived), 1+9+(3600-0.75*511)/(0.75*300)-0.5, 0.02)
}

func TestArrivalsFollowTheirRate(t *testing.T) {
	for name, test := range map[string]struct {
		arrivals arrivals
		want     float64
	}{
		"constant": {constant(50, 10*time.Minute), 50 * 600},
		"burst":    {burst(50, 10*time.Minute), 50*540 + 500*60},
		"day":      {day(0.5), 0.5 * 86_400},
	} {
		random := rand.New(rand.NewPCG(seed, 0))
		var got float64
		for at, more := test.arrivals.after(0, random); more; at, more = test.arrivals.after(at, random) {
			if rate := test.arrivals.rate(at); rate > test.arrivals.most {
				t.Fatalf("%s: rate %v at %v is above %v", name, rate, at, test.arrivals.most)
			}
			got++
		}
		near(t, name, got, test.want, 0.02)
	}
}
