package main

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// station is a worker without Lambda's scaling, clients or queue: so that theory has a formula for it.
func station(places int, job func(*rand.Rand) time.Duration) (stage, *direct) {
	events := directly()
	s := alone(newStage(math.MaxInt32, places, func() trigger { return events }))
	s.account.worker.burst, s.account.worker.coldStart, s.job = math.MaxInt32, 0, job
	return s, events
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

func always(*rand.Rand, time.Duration) bool { return true }

func TestEveryUploadEndsOnce(t *testing.T) {
	events := directly()
	events.age, events.pauses = 20*time.Second, []time.Duration{time.Second, 2 * time.Second}
	for name, trigger := range map[string]func() trigger{
		"direct": func() trigger { return events },
		"queue":  func() trigger { return throughQueue(10) },
	} {
		s := newStage(20, 10, trigger)
		s.fails = func(random *rand.Rand, _ time.Duration) bool { return random.Float64() < 0.3 }
		o := simulate(s, burst(15, 5*time.Minute), time.Second, seed)
		if o.lost == 0 || len(o.ready) == 0 || o.throttled == 0 || o.refused == 0 || o.abandoned == 0 {
			t.Fatalf("%s: a run in which nothing happens shows nothing: %+v", name, o)
		}
		if o.uploads != len(o.grants)+o.refused || len(o.grants) != len(o.ready)+o.lost {
			t.Errorf("%s: %d uploads, %d grants, %d refused; %d ready, %d lost", name, o.uploads, len(o.grants), o.refused, len(o.ready), o.lost)
		}
		if last := len(o.waiting) - 1; o.waiting[last] != 0 || o.running[last] != 0 || o.held[last] != 0 {
			t.Errorf("%s: at the end %d wait, %d run, %d are held", name, o.waiting[last], o.running[last], o.held[last])
		}
		if o.most > 20 || slices.Max(o.running) > 10 {
			t.Errorf("%s: %d invocations and %d workers at a time, want at most 20 and 10", name, o.most, slices.Max(o.running))
		}
	}
}

func TestTheSameSeedGivesTheSameOutcome(t *testing.T) {
	run := func(seed uint64) outcome {
		return simulate(throughSQS(20, 10), burst(5, 5*time.Minute), time.Second, seed)
	}
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
		s, events := station(places, job)
		events.age = 0
		o := simulate(s, constant(load, 10*time.Hour), time.Minute, seed)
		near(t, name, float64(o.lost)/float64(o.uploads), erlang, 0.03)
	}
}

// Where everybody finds a place, as many run on average as arrive while one runs (Little 1961).
func TestRunningIsLittlesLaw(t *testing.T) {
	s, _ := station(math.MaxInt32, exponential(3))
	o := simulate(s, constant(20, 3*time.Hour), time.Second, seed)
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
	s, events := station(1, fixed(time.Second))
	events.firstBackoff, events.lastBackoff = 10*time.Millisecond, 10*time.Millisecond
	o := simulate(s, constant(load, 20*time.Hour), time.Minute, seed)
	var wait float64
	for _, ready := range o.ready {
		wait += (ready - readyAfter(time.Second)).Seconds()
	}
	near(t, "mean wait", wait/float64(len(o.ready)), load/(2*(1-load)), 0.06)
}

func TestEnvironmentsComeAtLambdasRate(t *testing.T) {
	s := alone(throughS3(math.MaxInt32, math.MaxInt32))
	s.job = fixed(time.Hour)
	o := simulate(s, constant(2000, 30*time.Second), time.Second, seed)
	for i, running := range o.running[:30] {
		// At the end of the first second there are the 1,000 at once and another 100.
		near(t, "running", float64(running), 1000+100*float64(i+1), 0.01)
	}
}

func TestUnusedEnvironmentsGo(t *testing.T) {
	for pause, want := range map[time.Duration]time.Duration{4 * time.Minute: 0, 6 * time.Minute: 7 * time.Second} {
		a := account{limit: 10, worker: lambda(10, 7*time.Second)}
		if cold, ok := a.invoke(&a.worker, 0); cold != 7*time.Second || !ok {
			t.Fatalf("the first invocation: %v, %v", cold, ok)
		}
		a.worker.end(time.Minute)
		if got, ok := a.invoke(&a.worker, time.Minute+pause); got != want || !ok {
			t.Errorf("after %v: %v, %v, want %v", pause, got, ok, want)
		}
	}
}

func TestBothFunctionsShareTheAccount(t *testing.T) {
	a := account{limit: 3, api: lambda(3, 0), worker: lambda(2, 0)}
	for i, test := range []struct {
		f    *function
		want bool
	}{{&a.worker, true}, {&a.worker, true}, {&a.worker, false}, {&a.api, true}, {&a.api, false}} {
		if _, ok := a.invoke(test.f, 0); ok != test.want {
			t.Errorf("invocation %d: %v, want %v", i, ok, test.want)
		}
	}
	a.worker.end(0)
	if _, ok := a.invoke(&a.api, 0); !ok {
		t.Error("a place that became free is not for the other function")
	}
}

func TestGatewayAdmitsItsBurstAndThenItsRate(t *testing.T) {
	g := gateway{rate: 10, burst: 5}
	admitted := 0
	for at := time.Duration(0); at < time.Minute; at += 10 * time.Millisecond {
		if g.admits(at) {
			admitted++
		}
	}
	near(t, "admitted", float64(admitted), 5+10*60, 0.01)
}

func TestAnswersAreHeldUntilThereIsNews(t *testing.T) {
	s := throughS3(1000, 1000)
	s.job, s.account.worker.coldStart, s.account.api.coldStart = fixed(2*time.Second), 0, 0
	o := simulate(s, constant(20, 10*time.Minute), time.Second, seed)
	sum := 0
	for _, n := range o.held {
		sum += n
	}
	// From the stored original until complete, by Little's law. Only grants are added.
	near(t, "held at a time", float64(sum)/float64(len(o.held)), 20*2, 0.03)
	if o.refused != 0 || o.abandoned != 0 || len(o.ready) != o.uploads {
		t.Errorf("%d refused, %d abandoned, %d of %d ready", o.refused, o.abandoned, len(o.ready), o.uploads)
	}
}

// A job of an hour is a backlog: only the first answers are held.
func TestAnswersAreNotHeldInABacklog(t *testing.T) {
	s := throughS3(1000, 1000)
	s.job, s.account.worker.coldStart, s.account.api.coldStart = fixed(time.Hour), 0, 0
	const step = 97 * time.Millisecond // no divisor of the pauses between the requests
	o := simulate(s, constant(10, time.Minute), step, seed)
	sum := 0
	for _, n := range o.held {
		sum += n
	}
	// S3's whole seconds cut off half a second. Then a client asks for five minutes, soon every five seconds.
	requests := float64(patience/lastPause) + 3
	want := grantDuration.Seconds() + newsTime.Seconds() - 0.5 + requests*statusTime.Seconds()
	near(t, "seconds of the API for each upload", float64(sum)*step.Seconds()/float64(o.uploads), want, 0.03)
}

func TestRefusedClientsGiveUpAfterFourAttempts(t *testing.T) {
	o := simulate(throughS3(0, 0), constant(5, time.Minute), time.Second, seed)
	if o.uploads == 0 || o.refused != o.uploads || len(o.grants) != 0 {
		t.Errorf("%d of %d refused, %d grants", o.refused, o.uploads, len(o.grants))
	}
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
