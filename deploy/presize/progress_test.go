package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
)

func TestPositionGrowsWithTheKey(t *testing.T) {
	var keys []string
	for range 1000 {
		keys = append(keys, media.OriginalKey(media.NewID()))
	}
	slices.Sort(keys) // as S3 lists them
	last := 0.0
	for i, key := range keys {
		at := position(key)
		if at < last || at >= 1 {
			t.Fatalf("%s is at %v, the one before at %v", key, at, last)
		}
		if share := float64(i) / float64(len(keys)); at < share-0.1 || at > share+0.1 {
			t.Errorf("%d of %d keys are before %s, which is at %v", i, len(keys), key, at)
		}
		last = at
	}
	for key, want := range map[string]float64{
		"": 0, "originals/": 0, "originals/not-an-id": 0,
		"originals/" + strings.Repeat("2", 25) + "a":         0,
		"originals/a" + strings.Repeat("2", 24) + "a":        6.0 / 32,
		"i/" + strings.Repeat("2", 25) + "a/01234567/8.jpg":  0,
		"i/i" + strings.Repeat("2", 24) + "a/manifest.json":  14.0 / 32,
		"originals/z" + strings.Repeat("2", 24) + "a":        31.0 / 32,
		"originals/z" + strings.Repeat("2", 24) + "a/folder": 31.0 / 32,
	} {
		if got := position(key); got != want {
			t.Errorf("%q is at %v, want %v", key, got, want)
		}
	}
}

func TestEstimateIsByTheSpeedOfThisRun(t *testing.T) {
	e := estimate{from: 0.5, began: time.Now().Add(-time.Hour)}
	for at, want := range map[float64]string{0.5: "no estimate yet", 0.4: "no estimate yet", 0.75: "about 1h0m left", 0.95: "about 6m40s left", 1: "about 0s left"} {
		if got := e.left(at); !strings.HasPrefix(got, want) {
			t.Errorf("at %v: %q, want %q", at, got, want)
		}
	}
	if got := (estimate{began: time.Now()}).left(0.9); got != "no estimate yet" {
		t.Errorf("at once: %q", got)
	}
}

func TestProgressIsLinesWhereThereIsNoTerminal(t *testing.T) {
	var out strings.Builder
	p := newProgress(&out, "backfill", "", false)
	l, ok := p.(*lines)
	if !ok {
		t.Fatalf("it is %T", p)
	}
	key := "originals/i" + strings.Repeat("2", 24) + "a"
	p.show(position(key), "too soon for a line")
	l.last = l.last.Add(-linesEvery)
	p.show(position(key), "7 originals")
	p.show(position(key), "too soon for another")
	p.end()
	if got, want := out.String(), "backfill: 43.8 %, 7 originals, no estimate yet\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
