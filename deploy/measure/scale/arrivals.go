package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// arrivals is a Poisson process whose rate changes with time.
type arrivals struct {
	rate func(time.Duration) float64 // events a second
	most float64                     // maximum of rate
	last time.Duration               // no arrivals after it
}

// after returns the first arrival after t. It thins a process with the highest rate (Lewis
// and Shedler, 1979).
func (a arrivals) after(t time.Duration, random *rand.Rand) (time.Duration, bool) {
	for {
		t += seconds(random.ExpFloat64() / a.most)
		if t > a.last {
			return 0, false
		}
		if random.Float64()*a.most <= a.rate(t) {
			return t, true
		}
	}
}

func constant(rate float64, last time.Duration) arrivals {
	return arrivals{func(time.Duration) float64 { return rate }, rate, last}
}

// burst is a constant rate, and ten times that for the third minute.
func burst(rate float64, last time.Duration) arrivals {
	return arrivals{func(t time.Duration) float64 {
		if t >= 2*time.Minute && t < 3*time.Minute {
			return 10 * rate
		}
		return rate
	}, 10 * rate, last}
}

// day is a day from midnight to midnight, quiet at four and busy in the afternoon: the rate
// swings by nine tenths around its mean.
func day(mean float64) arrivals {
	const quietest = 4 // o'clock
	return arrivals{func(t time.Duration) float64 {
		return mean * (1 - 0.9*math.Cos(2*math.Pi*(t.Hours()-quietest)/24))
	}, 1.9 * mean, 24 * time.Hour}
}
