package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// scenario is one run of the simulation.
type scenario struct {
	uploads  string
	way      string // to the worker, and what clients do
	stage    stage
	arrivals arrivals
	step     time.Duration // of the plot
}

const seed = 1

// holdAnswers is how long presize.js asks the API to hold an answer.
const holdAnswers = 10 * time.Second

// newStage is a deployment in an account with that limit, with clients that wait for their
// results as presize.js does. The rate of requests is not limited.
func newStage(limit, workers int, trigger func() trigger) stage {
	return stage{
		account: account{limit: limit, api: lambda(limit, apiColdStart), worker: lambda(workers, coldStart)},
		gateway: gateway{rate: 10_000, burst: 5000}, // the quota of the account
		trigger: trigger,
		clients: true,
		hold:    holdAnswers,
		job:     func(random *rand.Rand) time.Duration { return drawJob(random, workerMemory) },
		fails:   func(*rand.Rand, time.Duration) bool { return false },
	}
}

// throughS3 is a stage with the direct trigger, throughSQS one with the queue.
func throughS3(limit, workers int) stage {
	return newStage(limit, workers, func() trigger { return directly() })
}

func throughSQS(limit, workers int) stage {
	return newStage(limit, workers, func() trigger { return throughQueue(workers) })
}

// naive is a stage whose queue takes receives for tries.
func naive(s stage, workers int) stage {
	s.trigger = func() trigger { return naively(workers) }
	return s
}

// crowded is a stage in an account whose places other functions use up, for so long.
func crowded(s stage, span time.Duration) stage {
	limit := s.account.limit
	s.account.others = func(now time.Duration) int {
		if now < span {
			return limit
		}
		return 0
	}
	return s
}

// unheld is a stage whose clients don't ask the API to hold its answers.
func unheld(s stage) stage {
	s.hold = 0
	return s
}

// alone is a stage whose uploads need no API.
func alone(s stage) stage {
	s.clients = false
	return s
}

// failing is a stage whose jobs all fail for ten minutes, because S3 does.
func failing(s stage) stage {
	s.outage = true
	s.fails = func(_ *rand.Rand, began time.Duration) bool {
		return began >= 5*time.Minute && began < 15*time.Minute
	}
	return s
}

func scenarios() []scenario {
	const newAccount, usual = 10, 1000
	workers := workersOf
	minute := constant(10_000.0/60, time.Minute)
	peak := burst(50, 10*time.Minute)
	outage := constant(10, 20*time.Minute)
	batch := constant(1, 5*time.Minute)
	few := constant(1.0/60, 5*time.Minute)
	alone10, alone1000 := alone(throughSQS(newAccount, workers(newAccount))), alone(throughSQS(usual, workers(usual)))
	return []scenario{
		{"10,000 in a minute", "direct, held", throughS3(newAccount, newAccount), minute, 5 * time.Second},
		{"10,000 in a minute", "queue, held", throughSQS(newAccount, workers(newAccount)), minute, 5 * time.Second},
		{"10,000 in a minute", "queue, not held", unheld(throughSQS(newAccount, workers(newAccount))), minute, 20 * time.Second},
		{"4 a second", "queue, not held", unheld(throughSQS(newAccount, workers(newAccount))), constant(4, 20*time.Minute), 10 * time.Second},
		{"10,000 in a minute", "direct, held", throughS3(usual, usual), minute, time.Second},
		{"10,000 in a minute", "queue, held", throughSQS(usual, workers(usual)), minute, time.Second},
		{"10,000 in a minute", "queue, not held", unheld(throughSQS(usual, workers(usual))), minute, time.Second},
		{"50 a second, ten times that for a minute", "direct, held", throughS3(usual, usual), peak, 5 * time.Second},
		{"50 a second, ten times that for a minute", "queue, held", throughSQS(usual, workers(usual)), peak, 5 * time.Second},
		{"50 a second, ten times that for a minute", "queue, not held", unheld(throughSQS(usual, workers(usual))), peak, 5 * time.Second},
		{"10 a second, S3 fails for ten minutes", "direct, held", failing(throughS3(usual, usual)), outage, 10 * time.Second},
		{"10 a second, S3 fails for ten minutes", "queue, held", failing(throughSQS(usual, workers(usual))), outage, 10 * time.Second},
		{"10 a second, S3 fails for ten minutes", "queue, not held", failing(unheld(throughSQS(usual, workers(usual)))), outage, 10 * time.Second},
		{"10 a second, S3 fails for ten minutes", "queue, receives as tries, held", failing(naive(throughSQS(usual, workers(usual)), workers(usual))), outage, 10 * time.Second},
		{"a handful, no place for 45 minutes", "queue, receives as tries", crowded(naive(alone10, workers(newAccount)), 45*time.Minute), few, 30 * time.Second},
		{"a handful, no place for 45 minutes", "queue", crowded(alone10, 45*time.Minute), few, 30 * time.Second},
		{"some 300, no place for 45 minutes", "queue, receives as tries", crowded(naive(alone1000, workers(usual)), 45*time.Minute), batch, 30 * time.Second},
		{"some 300, no place for 45 minutes", "queue", crowded(alone1000, 45*time.Minute), batch, 30 * time.Second},
		{"some 300, no place for 4 hours", "queue", crowded(alone1000, 4*time.Hour), batch, time.Minute},
		{"a day of 5 a second without clients", "direct", alone(throughS3(usual, 6)), day(5), 5 * time.Minute},
		{"a day of 5 a second without clients", "queue", alone(throughSQS(usual, 6)), day(5), 5 * time.Minute},
	}
}

// workersOf is the workerConcurrency that make deploy sets in an account with that limit; a test
// compares.
func workersOf(limit int) int { return min(max(limit/2, 2), 1000) }

// results runs all scenarios.
func results(scenarios []scenario) (outcomes []outcome) {
	for _, s := range scenarios {
		outcomes = append(outcomes, simulate(s.stage, s.arrivals, s.step, seed))
	}
	return outcomes
}

// queueTable is the results of the scenarios, in Markdown.
func queueTable(scenarios []scenario, outcomes []outcome) string {
	var b strings.Builder
	b.WriteString("| limit | uploads | trigger | workers at most | got no grant | stopped waiting | ready: half within | 99 of 100 | all | most waiting | in the failure queue | of these never tried |\n")
	b.WriteString("|--:|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, s := range scenarios {
		o := outcomes[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s of %s | %s | %s | %s | %s | %s | %s | %s |\n", count(float64(s.stage.account.limit)), s.uploads, s.way,
			count(float64(s.stage.account.worker.concurrency)), count(float64(o.refused)), count(float64(o.uploads)), count(float64(o.abandoned)),
			within(o, 0.5), within(o, 0.99), within(o, 1),
			count(float64(slices.Max(o.waiting))), count(float64(o.lost)), count(float64(o.untried)))
	}
	return b.String()
}

// within writes within what time so many are ready.
func within(o outcome, share float64) string {
	if len(o.ready) == 0 {
		return "none"
	}
	return span(quantile(o.ready, share))
}

// span writes a duration for people.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	default:
		return fmt.Sprintf("%.0f h", d.Hours())
	}
}

// count writes a number in groups of three digits.
func count(n float64) string {
	digits := fmt.Sprintf("%.0f", n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
