// Command cold measures the time of the packaged functions from the start of the process to the first answer, and compares
// it with a handler in Node.js that imports sharp:
//
//	cold ARCHIVES HANDLER [ROUNDS]
//
// ARCHIVES is the folder with api.zip, worker.zip and libvips.zip for this machine, HANDLER the script for Node.js.
// All three run in turn, so that they run under the same load. It prints the medians. Like the functions, it runs on
// Linux only. `make cold` runs it.
//
// The API's first answer is a grant. The worker's first event is the removal of an original, which needs three requests to
// S3, a real server in this process. The handler in Node.js sends no requests.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/presize/presize/internal/pack"
	"github.com/presize/presize/internal/runtimeapi"
)

// patience is longer than any start.
const patience = time.Minute

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: cold ARCHIVES HANDLER [ROUNDS]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2], append(os.Args[3:], "21")[0]); err != nil {
		fmt.Fprintln(os.Stderr, "cold:", err)
		os.Exit(1)
	}
}

// contestant is a function to measure, with its first event.
type contestant struct {
	config runtimeapi.Config
	event  any
	starts []start
}

// start is the result of one start.
type start struct {
	init, answer time.Duration
	memory       int64 // peak resident memory in bytes
}

func run(ctx context.Context, archives, handler, rounds string) (err error) {
	count, err := strconv.Atoi(rounds)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "cold-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	for _, name := range []string{"api", "worker", "libvips"} {
		if err := pack.Unpack(filepath.Join(archives, name+".zip"), filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	if handler, err = filepath.Abs(handler); err != nil {
		return err
	}
	node, err := exec.LookPath("node")
	if err != nil {
		return err
	}
	storage, err := startStorage(ctx, filepath.Join(folder, "s3"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	environment, err := storage.environment(ctx)
	if err != nil {
		return err
	}
	contestants := []*contestant{
		{config: bootstrap(folder, "api", environment), event: grantRequest()},
		{config: bootstrap(folder, "worker", environment), event: removal()},
		{config: runtimeapi.Config{Name: "Node.js with sharp", Command: []string{node, handler}, Root: folder}, event: removal()},
	}
	for range count {
		for _, c := range contestants {
			if err := c.measure(ctx); err != nil {
				return err
			}
		}
	}
	return report(contestants)
}

func bootstrap(folder, name string, environment []string) runtimeapi.Config {
	return runtimeapi.Config{
		Name:    name,
		Command: []string{filepath.Join(folder, name, "bootstrap")},
		Root:    filepath.Join(folder, name),
		Layer:   filepath.Join(folder, "libvips"),
		Env:     environment,
	}
}

// measure starts a contestant once.
func (c *contestant) measure(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	function, err := runtimeapi.Start(c.config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, function.Close()) }()
	response, err := function.Invoke(ctx, c.event)
	if err != nil {
		return err
	}
	init, err := function.Init(ctx)
	if err != nil {
		return err
	}
	memory, err := function.PeakMemory()
	c.starts = append(c.starts, start{init: init, answer: response.After, memory: memory})
	return err
}

func report(contestants []*contestant) error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tasks for work\tfirst answer\tpeak memory\t")
	for _, c := range contestants {
		fmt.Fprintf(table, "%s\t%.0f ms\t%.0f ms\t%.0f MiB\t\n", c.config.Name,
			median(c.starts, func(s start) float64 { return milliseconds(s.init) }),
			median(c.starts, func(s start) float64 { return milliseconds(s.answer) }),
			median(c.starts, func(s start) float64 { return float64(s.memory) / (1 << 20) }))
	}
	return table.Flush()
}

func median(starts []start, figure func(start) float64) float64 {
	var figures []float64
	for _, s := range starts {
		figures = append(figures, figure(s))
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
