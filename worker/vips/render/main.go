// Command render is the renderer: the process that decodes originals and encodes
// variants for the worker, which starts it (package renderer). It reads questions from
// its standard input and writes answers to descriptor 3. Its one argument is the memory
// that it may have in use, in bytes, or 0 for no limit.
//
// Package sandbox takes away from it what decoding does not need, before it reads the
// first original.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
	"github.com/presize/presize/worker/renderer/sandbox"
	"github.com/presize/presize/worker/vips"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want one argument, the memory in bytes; got %d", len(args))
	}
	memory, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	if memory > 0 {
		debug.SetMemoryLimit(memory / 4) // the rest is for libvips, which Go's collector knows nothing of
	}
	if err := sandbox.Limit(memory, renderer.CPU); err != nil {
		return err
	}
	vips.Start()
	// Where the kernel has no filters, the hello says so.
	_ = sandbox.Seal()
	hello := renderer.Hello{Sandbox: sandbox.Check()}
	return renderer.Serve(os.Stdin, os.NewFile(3, "answers"), hello, probe)
}

// probe looks at an original. What it found is kept for the rendering.
func probe(request renderer.Request) (renderer.Info, renderer.Render, error) {
	original, err := vips.Probe(request.Original, request.Limits)
	info := renderer.Info{Format: original.Format, Upright: original.Upright, Frames: original.Frames}
	if err != nil {
		return info, nil, err
	}
	info.Memory = original.Memory(request.Preset)
	return info, func(emit func(renderer.Variant) error) error {
		return render(original.Render(context.Background(), request.Preset), request.Preset, emit)
	}, original.Fit(request.Preset, request.Limits.Memory)
}

// render emits the variants of a rendering, the last quick one with the placeholder.
func render(rendering *vips.Rendering, preset media.Preset, emit func(renderer.Variant) error) error {
	quick := 0
	for _, encoder := range preset.Encoders {
		if encoder.Quick() {
			quick += len(preset.Sizes)
		}
	}
	for v, err := range rendering.Variants() {
		if err != nil {
			return err
		}
		answer := renderer.Variant{Name: v.Name, Format: v.Format, Extent: v.Extent, Bytes: v.Bytes}
		if quick--; quick == 0 {
			answer.Placeholder = new(rendering.Placeholder())
		}
		if err := emit(answer); err != nil {
			return err
		}
	}
	return nil
}
