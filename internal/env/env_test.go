package env_test

import (
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/media"
)

func reader(variables map[string]string) *env.Reader {
	return env.New(func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	})
}

func TestValuesAreRead(t *testing.T) {
	r := reader(map[string]string{"BUCKET": "b", "PORT": "8080", "TTL": "90"})
	if got := r.String("BUCKET"); got != "b" {
		t.Errorf("String: %q", got)
	}
	if got := r.StringOr("BUCKET", "other"); got != "b" {
		t.Errorf("StringOr: %q", got)
	}
	if got := r.Int("PORT", 1, 1, 65535); got != 8080 {
		t.Errorf("Int: %d", got)
	}
	if got := r.Seconds("TTL", time.Second, time.Second, time.Hour); got != 90*time.Second {
		t.Errorf("Seconds: %v", got)
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
}

func TestUnsetAndEmptyMeanTheDefault(t *testing.T) {
	for name, variables := range map[string]map[string]string{"unset": {}, "empty": {"X": ""}} {
		t.Run(name, func(t *testing.T) {
			r := reader(variables)
			if got := r.StringOr("X", "fallback"); got != "fallback" {
				t.Errorf("StringOr: %q", got)
			}
			if got := r.Int("X", 7, 1, 9); got != 7 {
				t.Errorf("Int: %d", got)
			}
			if got := r.Seconds("X", time.Minute, time.Second, time.Hour); got != time.Minute {
				t.Errorf("Seconds: %v", got)
			}
			if err := r.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestBadValuesAreNamed(t *testing.T) {
	integer := func(r *env.Reader) { r.Int("X", 5, 1, 9) }
	seconds := func(r *env.Reader) { r.Seconds("X", time.Minute, time.Second, time.Hour) }
	tests := []struct {
		value string
		read  func(*env.Reader)
		want  string
	}{
		{"", func(r *env.Reader) { r.String("X") }, `X: want a value, it is not set`},
		{"0", integer, `X="0": want a whole number from 1 to 9`},
		{"10", integer, `X="10": want a whole number from 1 to 9`},
		{"-5", integer, `X="-5": want a whole number from 1 to 9`},
		{"5.0", integer, `X="5.0": want a whole number from 1 to 9`},
		{" 5", integer, `X=" 5": want a whole number from 1 to 9`},
		{"five", integer, `X="five": want a whole number from 1 to 9`},
		{"99999999999999999999", integer, `X="99999999999999999999": want a whole number from 1 to 9`},
		{"15m", seconds, `X="15m": want a whole number of seconds from 1 to 3600`},
		{"3601", seconds, `X="3601": want a whole number of seconds from 1 to 3600`},
	}
	for _, test := range tests {
		t.Run(test.value, func(t *testing.T) {
			r := reader(map[string]string{"X": test.value})
			test.read(r)
			if err := r.Err(); err == nil || err.Error() != test.want {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestEveryBadValueIsReportedAtOnce(t *testing.T) {
	r := reader(map[string]string{"B": "x", "C": "-1"})
	r.String("A")
	r.Int("B", 1, 1, 2)
	r.Seconds("C", time.Second, time.Second, time.Minute)
	r.StringOr("D", "fine")
	lines := strings.Split(r.Err().Error(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "A:") || !strings.HasPrefix(lines[1], "B=") || !strings.HasPrefix(lines[2], "C=") {
		t.Errorf("got %q", lines)
	}
}

func TestLimits(t *testing.T) {
	unset := reader(nil)
	if got := unset.Limits(); got != media.DefaultLimits() || unset.Err() != nil {
		t.Errorf("unset: got %+v, %v", got, unset.Err())
	}
	set := reader(map[string]string{"PRESIZE_MAX_BYTES": "1000", "PRESIZE_MAX_MEGAPIXELS": "20", "PRESIZE_MAX_FRAMES": "3", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024"})
	if got, want := set.Limits(), (media.Limits{Bytes: 1000, Pixels: 20_000_000, Frames: 3, Memory: 1 << 30}); got != want || set.Err() != nil {
		t.Errorf("set: got %+v, %v", got, set.Err())
	}
	wrong := reader(map[string]string{"PRESIZE_MAX_BYTES": "5368709121", "PRESIZE_MAX_MEGAPIXELS": "0", "PRESIZE_MAX_FRAMES": "x"})
	if got := wrong.Limits(); got != media.DefaultLimits() || strings.Count(wrong.Err().Error(), "\n") != 2 {
		t.Errorf("wrong: got %+v, %v", got, wrong.Err())
	}
}
