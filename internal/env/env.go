// Package env reads the configuration of a program from its environment. It collects all
// errors, so that one start of the program reports them all.
package env

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/presize/presize/internal/media"
)

// maxPut is the largest body of a single PUT to S3, in bytes: 5 GiB.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
const maxPut = 5 << 30

// Reader reads variables. An empty variable counts as not set. If a variable is missing
// or wrong, a method returns the default, and [Reader.Err] reports the error.
type Reader struct {
	lookup   func(name string) (value string, ok bool)
	problems []error
}

// New returns a Reader that looks variables up with lookup: os.LookupEnv in programs.
func New(lookup func(name string) (value string, ok bool)) *Reader {
	return &Reader{lookup: lookup}
}

// Err returns all errors so far, one variable per line with its name, its value and the
// values that are allowed. It returns nil if there was none.
func (r *Reader) Err() error { return errors.Join(r.problems...) }

// String returns a variable that must be set.
func (r *Reader) String(name string) string {
	value := r.StringOr(name, "")
	if value == "" {
		r.problems = append(r.problems, fmt.Errorf("%s: want a value, it is not set", name))
	}
	return value
}

// StringOr returns a variable, or fallback if it is not set.
func (r *Reader) StringOr(name, fallback string) string {
	if value, _ := r.lookup(name); value != "" {
		return value
	}
	return fallback
}

// Int returns a variable that holds a whole number from least to most, or fallback if it
// is not set.
func (r *Reader) Int(name string, fallback, least, most int64) int64 {
	return r.number(name, "", fallback, least, most)
}

// Seconds returns a variable that holds a whole number of seconds from least to most, or
// fallback if it is not set.
func (r *Reader) Seconds(name string, fallback, least, most time.Duration) time.Duration {
	seconds := r.number(name, " of seconds", int64(fallback/time.Second), int64(least/time.Second), int64(most/time.Second))
	return time.Duration(seconds) * time.Second
}

// Limits returns the limits that an operator can set: PRESIZE_MAX_BYTES,
// PRESIZE_MAX_MEGAPIXELS and PRESIZE_MAX_FRAMES. The memory is that of the Lambda
// function, from AWS_LAMBDA_FUNCTION_MEMORY_SIZE.
func (r *Reader) Limits() media.Limits {
	const mega = 1_000_000
	fallback := media.DefaultLimits()
	return media.Limits{
		Bytes:  r.Int("PRESIZE_MAX_BYTES", fallback.Bytes, 1, maxPut),
		Pixels: r.Int("PRESIZE_MAX_MEGAPIXELS", fallback.Pixels/mega, 1, 10_000) * mega,
		Frames: int(r.Int("PRESIZE_MAX_FRAMES", int64(fallback.Frames), 1, 100_000)),
		Memory: r.Int("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", fallback.Memory>>20, 1, 1<<20) << 20,
	}
}

func (r *Reader) number(name, unit string, fallback, least, most int64) int64 {
	text := r.StringOr(name, strconv.FormatInt(fallback, 10))
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value < least || value > most {
		r.problems = append(r.problems, fmt.Errorf("%s=%q: want a whole number%s from %d to %d", name, text, unit, least, most))
		return fallback
	}
	return value
}
