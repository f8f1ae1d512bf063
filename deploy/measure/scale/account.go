package main

import (
	"math/rand/v2"
	"slices"
	"time"
)

// account is what both functions share, and what each of them has of its own.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
type account struct {
	limit       int                     // invocations at a time, of all functions
	others      func(time.Duration) int // those of functions that are not presize's; nil for none
	api, worker function
}

// function is a Lambda function's environments.
// https://docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html
type function struct {
	concurrency int           // invocations at a time, within the account's limit
	burst       int           // environments that can be started at once ...
	refill      time.Duration // ... and how long until another one can
	idle        time.Duration // until an unused environment ends; assumed, AWS does not say
	coldStart   time.Duration

	unused  []time.Duration // since when each environment is idle; the last one is used first
	started time.Duration   // when the bucket of environments to start would have been empty
	running int
}

// lambda is a function with the documented figures.
func lambda(concurrency int, coldStart time.Duration) function {
	return function{
		concurrency: concurrency,
		burst:       1000,
		refill:      10 * time.Millisecond,
		idle:        5 * time.Minute,
		coldStart:   coldStart,
		started:     -time.Hour,
	}
}

// invoke takes an idle environment of a function, or starts a new one, within all limits.
// It returns how long the environment takes to start, or false if there is no free place:
// the invocation is throttled.
func (a *account) invoke(f *function, now time.Duration) (coldStart time.Duration, ok bool) {
	if !a.free(f, now) {
		return 0, false
	}
	fresh, _ := slices.BinarySearch(f.unused, now-f.idle)
	f.unused = f.unused[fresh:]
	if count := len(f.unused); count > 0 {
		f.unused = f.unused[:count-1]
		f.running++
		return 0, true
	}
	// The bucket holds (now - started) / refill, and never more than burst.
	f.started = max(f.started, now-time.Duration(f.burst)*f.refill)
	if f.started+f.refill > now {
		return 0, false
	}
	f.started += f.refill
	f.running++
	return f.coldStart, true
}

// free reports whether there is a place for another invocation of a function.
func (a *account) free(f *function, now time.Duration) bool {
	used := a.api.running + a.worker.running
	if a.others != nil {
		used += a.others(now)
	}
	return f.running < f.concurrency && used < a.limit
}

// end gives an environment back.
func (f *function) end(now time.Duration) {
	f.running--
	f.unused = append(f.unused, now)
}

// gateway is API Gateway's limit of the rate of requests, a bucket of tokens.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type gateway struct {
	rate, burst float64 // requests per second, and the size of the bucket
	used        float64 // of the bucket
	at          time.Duration
}

// admits reports whether a request passes, and does not get 429.
func (g *gateway) admits(now time.Duration) bool {
	g.used = max(0, g.used-g.rate*(now-g.at).Seconds())
	g.at = now
	if g.used+1 > g.burst {
		return false
	}
	g.used++
	return true
}

// jitter returns a duration between half of d and d.
func jitter(d time.Duration, random *rand.Rand) time.Duration {
	return d/2 + time.Duration(random.Int64N(int64(d/2)+1))
}
