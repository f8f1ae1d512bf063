package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// What is written for people has units. Documents for programs have plain numbers.

// plural is a count for people.
func plural(count int, what string) string {
	if count == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", count, what)
}

// about is a duration for people.
func about(d time.Duration) string {
	if d < 10*time.Minute {
		return d.Round(time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// size is a number of bytes for people, with three digits and decimal units, as the tools of
// S3 and of file managers show it.
func size(bytes int64) string {
	if bytes < 1000 {
		return plural(int(bytes), "byte")
	}
	value, unit := float64(bytes), 0
	for value >= 999.5 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	switch {
	case value < 9.995:
		digits = 2
	case value < 99.95:
		digits = 1
	}
	text := strconv.FormatFloat(value, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + []string{"B", "KB", "MB", "GB", "TB", "PB", "EB"}[unit]
}
