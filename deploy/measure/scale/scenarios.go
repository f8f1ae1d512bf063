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
	name     string
	function function
	arrivals arrivals
	step     time.Duration // of the plot
}

const seed = 1

// workerShare is the worker's share of an account's default of 1,000 invocations. 100 must
// stay unreserved, and the API needs as many as the worker for its waiting requests.
const workerShare = 450

func scenarios() []scenario {
	outage := lambda(workerShare)
	outage.fails = func(_ *rand.Rand, began time.Duration) bool {
		return began >= 5*time.Minute && began < 15*time.Minute
	}
	return []scenario{
		{"10 a second, in a new account", lambda(10), constant(10, 20*time.Minute), 10 * time.Second},
		{"10 a second, every job fails for ten minutes", outage, constant(10, 20*time.Minute), 10 * time.Second},
		{"100 a second, ten times that for a minute", lambda(workerShare), burst(100, 10*time.Minute), 5 * time.Second},
		{"a day of 5 a second on average", lambda(15), day(5), 5 * time.Minute},
		{"1,000 a second", lambda(workerShare), constant(1000, 5*time.Minute), 10 * time.Second},
		{"1,000 a second, quota raised", lambda(3000), constant(1000, 5*time.Minute), 2 * time.Second},
		{"10,000 a second, quota raised", lambda(30_000), constant(10_000, time.Minute), 2 * time.Second},
	}
}

// results runs all scenarios.
func results(scenarios []scenario) (outcomes []outcome) {
	for _, s := range scenarios {
		outcomes = append(outcomes, simulate(s.function, s.arrivals, s.step, seed))
	}
	return outcomes
}

// queueTable is the results of the scenarios, in Markdown.
func queueTable(scenarios []scenario, outcomes []outcome) string {
	var b strings.Builder
	b.WriteString("| uploads | worker's limit | for | ready: half within | 99 of 100 | all | most waiting | in the failure queue |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for i, s := range scenarios {
		o := outcomes[i]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | %s of %s |\n", s.name,
			count(float64(s.function.concurrency)), span(s.arrivals.last), span(o.quantile(0.5)), span(o.quantile(0.99)),
			span(o.quantile(1)), count(float64(slices.Max(o.waiting))), count(float64(o.lost)), count(float64(o.arrived)))
	}
	return b.String()
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
