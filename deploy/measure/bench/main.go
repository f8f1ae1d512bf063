// Command bench renders the preset photo with presize's renderer, for compare.mjs and quota.mjs:
//
//	bench FILE FORMAT[,FORMAT...] RUNS
//
// It prints a line of JSON for each run: wall and CPU milliseconds, the
// milliseconds until the last quick variant, peak RSS in MiB.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/vips"
)

type measurement struct {
	Wall  float64 `json:"wall"`
	CPU   float64 `json:"cpu"`
	Ready float64 `json:"ready"`
	RSS   float64 `json:"rss"`
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: bench FILE FORMAT[,FORMAT...] RUNS")
		os.Exit(2)
	}
	if err := run(os.Args[1], strings.Split(os.Args[2], ","), os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, formats []string, runs string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(runs)
	if err != nil {
		return err
	}
	shipped, err := presets.Shipped()
	if err != nil {
		return err
	}
	preset, _ := shipped.Find(media.DefaultPreset)
	preset.Encoders = slices.DeleteFunc(preset.Encoders, func(e media.Encoder) bool {
		return !slices.Contains(formats, strings.TrimPrefix(string(e.Format), "image/"))
	})
	for range count {
		m, err := measure(file, preset)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(m); err != nil {
			return err
		}
	}
	return nil
}

func measure(file []byte, preset media.Preset) (m measurement, err error) {
	var before, after syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	info, err := vips.Probe(file, media.DefaultLimits())
	if err != nil {
		return m, err
	}
	for v, err := range info.Render(context.Background(), preset).Variants() {
		if err != nil {
			return m, err
		}
		if v.Format != media.AVIF {
			m.Ready = milliseconds(time.Since(start))
		}
	}
	m.Wall = milliseconds(time.Since(start))
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	m.CPU = milliseconds(cpu(after) - cpu(before))
	m.RSS = float64(after.Maxrss) / 1024 // KiB on Linux
	return m, nil
}

func cpu(usage syscall.Rusage) time.Duration {
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
