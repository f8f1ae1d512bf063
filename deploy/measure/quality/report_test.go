package main

import (
	"math"
	"testing"
)

func TestSizesAreComparedAtTheSameScore(t *testing.T) {
	samples := []sample{
		{points: [][]point{ // the candidate takes half of the bits
			{{quality: 60, score: 60, bits: 1}, {quality: 80, score: 80, bits: 4}},
			{{quality: 40, score: 50, bits: 0.25}, {quality: 60, score: 70, bits: 1}, {quality: 70, score: 90, bits: 3}},
		}},
		{points: [][]point{ // here twice as many
			{{quality: 60, score: 65, bits: 2}, {quality: 80, score: 75, bits: 2}},
			{{quality: 40, score: 70, bits: 4}, {quality: 60, score: 80, bits: 5}},
		}},
		{points: [][]point{ // and here it never is that bad
			{{quality: 60, score: 65, bits: 2}, {quality: 80, score: 75, bits: 2}},
			{{quality: 40, score: 71, bits: 9}, {quality: 60, score: 80, bits: 9}},
		}},
	}
	quality, size, n := compare(samples, 1, 70)
	if quality != 50 || math.Abs(size-1) > 1e-9 || n != 2 {
		t.Errorf("quality %v, size %v of %d", quality, size, n)
	}
	if p, ok := at(samples[0].points[1], 80); !ok || p.quality != 65 || math.Abs(p.bits-math.Sqrt(3)) > 1e-9 {
		t.Errorf("between two points: %+v, %v", p, ok)
	}
	if _, ok := at(samples[0].points[1], 91); ok {
		t.Error("found a point beyond the last one")
	}
}
