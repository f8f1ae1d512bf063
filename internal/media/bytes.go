package media

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	fewDigits = 3
	allDigits = 19 // of any int64
)

// Bytes says a size for people, as the page does (web/words.js): with three digits and
// in units of 1000, up to gigabytes.
func Bytes(size int64) string { return roundedBytes(size, fewDigits) }

// BytesBeyond is [Bytes] for a size and the limit that it exceeds, both with enough digits
// to tell them apart.
func BytesBeyond(size, limit int64) (beyond, most string) {
	for digits := fewDigits; ; digits++ {
		beyond, most = roundedBytes(size, digits), roundedBytes(limit, digits)
		if beyond != most || digits == allDigits {
			return beyond, most
		}
	}
}

// roundedBytes rounds half up. It uses integers, because floating point loses the last
// bytes of the largest sizes.
func roundedBytes(size int64, digits int) string {
	step := uint64(1)
	for range len(strconv.FormatInt(size, 10)) - digits {
		step *= 10
	}
	rounded := (uint64(size) + step/2) / step * step
	if rounded < 1000 {
		if rounded == 1 {
			return "1 byte"
		}
		return fmt.Sprintf("%d bytes", rounded)
	}
	unit, divisor := "kB", uint64(1_000)
	switch {
	case rounded >= 1_000_000_000:
		unit, divisor = "GB", 1_000_000_000
	case rounded >= 1_000_000:
		unit, divisor = "MB", 1_000_000
	}
	fraction := strconv.FormatUint(divisor+rounded%divisor, 10)[1:]
	number := strings.TrimRight(fmt.Sprintf("%d.%s", rounded/divisor, fraction), "0")
	return strings.TrimSuffix(number, ".") + " " + unit
}
