package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/vips"
)

// series is an encoder of which only the quality changes.
type series struct {
	media.Encoder
	qualities []int
}

// candidates are the settings to compare. The first one is the reference.
func candidates() []series {
	all := []series{{media.Encoder{Format: media.JPEG}, []int{60, 70, 75, 80}}}
	for _, effort := range []int{1, 2, 4, 6} {
		all = append(all, series{media.Encoder{Format: media.WebP, Effort: effort}, []int{70, 75, 80, 86}})
	}
	for _, speed := range []int{9, 8, 7, 6} {
		all = append(all, series{media.Encoder{Format: media.AVIF, Speed: speed}, []int{50, 60, 70}})
	}
	return all
}

func (s series) String() string {
	switch s.Format {
	case media.AVIF:
		return fmt.Sprintf("AVIF, speed %d", s.Speed)
	case media.WebP:
		return fmt.Sprintf("WebP, effort %d", s.Effort)
	default:
		return strings.ToUpper(s.Format.Name())
	}
}

// point is the result of one encoding.
type point struct {
	quality int
	score   float64
	bits    float64 // of the file, per pixel
	cpu     float64 // milliseconds per megapixel
}

// sample is one photo at one width.
type sample struct {
	width  int
	points [][]point // of each candidate, by ascending quality
}

// measure makes a sample. It has no points if the photo is narrower than the width.
func measure(photo string, width int) (s sample, err error) {
	file, err := os.ReadFile(photo)
	if err != nil {
		return s, err
	}
	info, err := vips.Probe(file, media.DefaultLimits())
	if err != nil {
		return s, err
	}
	if info.Upright.Width < width {
		return s, nil
	}
	size := media.Preset{Fit: media.Inside}.Plan(media.Size{Width: width}, info.Upright).Output
	original, err := vips.NewSample(file, info.Format, size)
	if err != nil {
		return s, err
	}
	defer original.Free()
	reference := views(linear(size.Width, size.Height, original.Pixels()))
	s.width = width
	for _, candidate := range candidates() {
		var points []point
		for _, quality := range candidate.qualities {
			encoder := candidate.Encoder
			encoder.Quality = quality
			before := processorTime()
			encoded, err := original.Encode(encoder)
			if err != nil {
				return s, err
			}
			cpu := processorTime() - before
			decoded, err := vips.NewSample(encoded, encoder.Format, size)
			if err != nil {
				return s, err
			}
			points = append(points, point{
				quality: quality,
				score:   score(reference, views(linear(size.Width, size.Height, decoded.Pixels()))),
				bits:    float64(8*len(encoded)) / float64(size.Pixels()),
				cpu:     cpu * 1e6 / float64(size.Pixels()),
			})
			decoded.Free()
		}
		s.points = append(s.points, points)
	}
	return s, nil
}

// processorTime is the CPU time of the process so far, in milliseconds.
func processorTime() float64 {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for an invalid pointer
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}
