package api

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/presize/presize/internal/media"
)

// The clock of these tests moves only while everything waits, so their times are exact.

func TestWaitEndsSoonAfterTheChange(t *testing.T) {
	processing := media.Manifest{Status: media.Processing}
	ready := media.Manifest{Status: media.Ready}
	complete := media.Manifest{Status: media.Ready, Complete: true}
	gone := errors.New("gone")
	tests := []struct {
		name    string
		was, is media.Manifest
		err     error
		after   time.Duration
	}{
		{"ready at once", processing, ready, nil, 0},
		{"ready", processing, ready, nil, 1400 * time.Millisecond},
		{"ready late", processing, ready, nil, 19 * time.Second},
		{"complete", ready, complete, nil, 3 * time.Second},
		{"both", processing, complete, nil, 2 * time.Second},
		{"rejected", processing, media.Manifest{Status: media.Rejected}, nil, 50 * time.Millisecond},
		{"back to work", ready, processing, nil, time.Second},
		{"deleted", processing, media.Manifest{}, gone, 5 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				started := time.Now()
				got, err := awaitChange(t.Context(), test.was, maxWait, func(context.Context) (media.Manifest, error) {
					if time.Since(started) < test.after {
						return test.was, nil
					}
					return test.is, test.err
				})
				if got.Status != test.is.Status || got.Complete != test.is.Complete || !errors.Is(err, test.err) {
					t.Errorf("got %+v, %v", got, err)
				}
				if late := time.Since(started) - test.after; late > max(shortestPause, min(test.after/3, longestPause)) {
					t.Errorf("ended %v after the change", late)
				}
			})
		})
	}
}

func TestWaitEndsWithItsTime(t *testing.T) {
	for _, wait := range []time.Duration{time.Second, 10 * time.Second, maxWait} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				was := media.Manifest{Status: media.Processing}
				started, looks := time.Now(), 0
				got, err := awaitChange(t.Context(), was, wait, func(context.Context) (media.Manifest, error) {
					looks++
					return was, nil
				})
				if err != nil || got.Status != media.Processing || time.Since(started) != wait {
					t.Errorf("got %+v, %v after %v", got, err, time.Since(started))
				}
				if most := 12 + int(wait/time.Second); looks > most {
					t.Errorf("looked %d times, want at most %d", looks, most)
				}
			})
		})
	}
}

func TestWaitEndsWhenTheClientGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		was := media.Manifest{Status: media.Processing}
		started := time.Now()
		_, err := awaitChange(ctx, was, maxWait, func(context.Context) (media.Manifest, error) { return was, nil })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) != 3*time.Second {
			t.Errorf("got %v after %v", err, time.Since(started))
		}
	})
}

func TestNothingIsAwaitedOfASettledUpload(t *testing.T) {
	for _, settled := range []media.Manifest{{Status: media.Ready, Complete: true}, {Status: media.Rejected}, {Status: media.Failed}} {
		got, err := awaitChange(t.Context(), settled, maxWait, func(context.Context) (media.Manifest, error) {
			t.Errorf("looked at %s", settled.Status)
			return settled, nil
		})
		if got.Status != settled.Status || err != nil {
			t.Errorf("got %+v, %v", got, err)
		}
	}
}

// TestAnswerIsHeldWhileTheUploadIsYoung waits for uploads that came further some time ago,
// and for whose next step it takes another time.
func TestAnswerIsHeldWhileTheUploadIsYoung(t *testing.T) {
	const never = time.Hour
	processing, ready := media.Manifest{Status: media.Processing}, media.Manifest{Status: media.Ready}
	complete := media.Manifest{Status: media.Ready, Complete: true}
	tests := []struct {
		name       string
		age        time.Duration
		was, is    media.Manifest
		after      time.Duration // the next step
		wait, want time.Duration
		held       bool
	}{
		{"no wait", 0, processing, ready, never, 0, 0, false},
		{"new", 0, processing, ready, never, maxWait, newsTime, false},
		{"a clock that is behind", -time.Minute, processing, ready, never, maxWait, newsTime, false},
		{"a second old", time.Second, processing, ready, never, maxWait, newsTime - time.Second, false},
		{"nearly too old", newsTime - time.Millisecond, processing, ready, never, maxWait, time.Millisecond, false},
		{"too old", newsTime, processing, ready, 0, maxWait, 0, false},
		{"a day old", 24 * time.Hour, ready, complete, 0, maxWait, 0, false},
		{"all of a short wait", time.Second, processing, ready, never, time.Second, time.Second, true},
		{"ready at once", 0, processing, ready, 0, maxWait, shortestPause, true},
		{"complete in the last moment", time.Second, ready, complete, newsTime - time.Second, maxWait, newsTime - time.Second, true},
		{"settled long ago", 24 * time.Hour, complete, complete, 0, maxWait, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{held: make(chan struct{}, 1)}
				started := time.Now()
				was := upload{manifest: test.was, changed: started.Add(-test.age)}
				held, err := s.hold(t.Context(), was, test.wait, func(context.Context) (media.Manifest, error) {
					if time.Since(started) < test.after {
						return test.was, nil
					}
					return test.is, nil
				})
				if took := time.Since(started); held != test.held || took != test.want || err != nil || len(s.held) != 0 {
					t.Errorf("held %v for %v, %v; want %v for %v", held, took, err, test.held, test.want)
				}
			})
		})
	}
}

func TestPreferredWait(t *testing.T) {
	tests := []struct {
		prefer []string
		want   time.Duration
	}{
		{nil, 0},
		{[]string{"wait=10"}, 10 * time.Second},
		{[]string{"wait=0"}, 0},
		{[]string{"wait=20"}, maxWait},
		{[]string{"wait=21"}, maxWait},
		{[]string{"wait=99999999999999999999999"}, maxWait},
		{[]string{"WAIT = \"7\""}, 7 * time.Second},
		{[]string{"respond-async, wait=5"}, 5 * time.Second},
		{[]string{"handling=lenient; x=y , wait=5; z"}, 5 * time.Second},
		{[]string{"return=minimal", "wait=4"}, 4 * time.Second},
		{[]string{"wait=3, wait=9"}, 3 * time.Second},
		{[]string{"wait=x, wait=9"}, 0},
		{[]string{"wait"}, 0},
		{[]string{"wait=-1"}, 0},
		{[]string{"wait=1.5"}, 0},
		{[]string{"wait=+1"}, 0},
		{[]string{"await=5"}, 0},
		{[]string{",;=,"}, 0},
	}
	for _, test := range tests {
		if got := preferredWait(http.Header{"Prefer": test.prefer}); got != test.want {
			t.Errorf("%q: got %v, want %v", test.prefer, got, test.want)
		}
	}
}

func FuzzPreferredWait(f *testing.F) {
	f.Add("wait=10")
	f.Add(`respond-async; a="b", wait = "3"`)
	f.Fuzz(func(t *testing.T, prefer string) {
		got := preferredWait(http.Header{"Prefer": {prefer}})
		if got < 0 || got > maxWait || got%time.Second != 0 {
			t.Errorf("%q: %v", prefer, got)
		}
	})
}
