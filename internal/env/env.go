// Package env reads the configuration of a program from its environment, and
// collects everything that is wrong with it, so that one start of the program
// reports all of it at once.
package env

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/presize/presize/internal/media"
)

// maxPut is the most that a single PUT to S3 can carry, in bytes: 5 GiB.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/upload-objects.html
const maxPut = 5 << 30

// Reader reads variables. An empty variable counts as one that is not set. A
// method that finds a variable missing or wrong returns the default and leaves
// the rest to [Reader.Err].
type Reader struct {
	lookup   func(name string) (value string, ok bool)
	problems []error
}

// New returns a Reader over lookup, which is os.LookupEnv in a real program.
func New(lookup func(name string) (value string, ok bool)) *Reader {
	return &Reader{lookup: lookup}
}

// Err returns everything that was wrong so far, one variable a line, each with
// its name, its value and what is expected; nil if all was well.
func (r *Reader) Err() error { return errors.Join(r.problems...) }

// String returns a variable that must be set.
func (r *Reader) String(name string) string {
	value := r.StringOr(name, "")
	if value == "" {
		r.problems = append(r.problems, fmt.Errorf("%s: want a value, it is not set", name))
	}
	return value
}

// StringOr returns a variable, or fallback where it is not set.
func (r *Reader) StringOr(name, fallback string) string {
	if value, _ := r.lookup(name); value != "" {
		return value
	}
	return fallback
}

// Int returns a variable that holds a whole number from least to most, or
// fallback where it is not set.
func (r *Reader) Int(name string, fallback, least, most int64) int64 {
	return r.number(name, "", fallback, least, most)
}

// Seconds returns a variable that holds a whole number of seconds from least to
// most, or fallback where it is not set.
func (r *Reader) Seconds(name string, fallback, least, most time.Duration) time.Duration {
	seconds := r.number(name, " of seconds", int64(fallback/time.Second), int64(least/time.Second), int64(most/time.Second))
	return time.Duration(seconds) * time.Second
}

// Limits returns the limits that an operator can set: PRESIZE_MAX_BYTES,
// PRESIZE_MAX_MEGAPIXELS and PRESIZE_MAX_FRAMES. The memory is what Lambda says
// that the function has, in AWS_LAMBDA_FUNCTION_MEMORY_SIZE.
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
