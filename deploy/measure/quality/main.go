// Command quality measures the quality and size of presize's output images, and prints the
// tables of QUALITY.md in Markdown:
//
//	quality [-widths 320,640,1280] PHOTO...
//
// It scales each photo to each width (without enlarging it), encodes it with every candidate,
// decodes the result, and compares it with the scaled image. It runs one encoding at a
// time. The CPU time is that of all threads of the encoder.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/presize/presize/deploy/presets"
)

func main() {
	widths := flag.String("widths", "320,640,1280", "widths in pixels, of which no photo is enlarged to")
	flag.Parse()
	if err := run(strings.Split(*widths, ","), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(widths []string, photos []string) error {
	shipped, err := presets.Shipped()
	if err != nil {
		return err
	}
	var samples []sample
	for _, photo := range photos {
		for _, width := range widths {
			w, err := strconv.Atoi(width)
			if err != nil {
				return err
			}
			s, err := measure(photo, w)
			if err != nil {
				return fmt.Errorf("%s: %w", photo, err)
			}
			if s.points != nil {
				samples = append(samples, s)
			}
		}
		fmt.Fprintln(os.Stderr, photo)
	}
	return report(os.Stdout, shipped, samples)
}
