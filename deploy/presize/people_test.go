package main

import (
	"math"
	"testing"
)

func TestSizesHaveUnits(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1 KB", 1004: "1 KB", 1005: "1 KB", 1250: "1.25 KB", 9994: "9.99 KB",
		9995: "10 KB", 12_345: "12.3 KB", 99_949: "99.9 KB", 99_950: "100 KB", 100_000: "100 KB", 999_499: "999 KB", 999_500: "1 MB",
		52_428_800: "52.4 MB", 3_000_000_000: "3 GB", 1_230_000_000_000: "1.23 TB", math.MaxInt64: "9.22 EB",
	} {
		if got := size(bytes); got != want {
			t.Errorf("%d: got %q, want %q", bytes, got, want)
		}
	}
}
