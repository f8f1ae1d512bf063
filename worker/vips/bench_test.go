package vips

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// BenchmarkRender renders the preset photo. ready-ms is the time to the last quick
// variant, the time of an operation that to the last of all.
func BenchmarkRender(b *testing.B) {
	photo := preset(b, "photo")
	for _, name := range []string{"test_exif_full.jpg", "vertical.jpg", "test.heic", "transparent.png"} {
		b.Run(name, func(b *testing.B) {
			file := phototest.Read(b, name)
			b.ReportAllocs()
			var ready time.Duration
			for b.Loop() {
				start := time.Now()
				var quick time.Duration
				info, err := Probe(file, media.DefaultLimits())
				if err != nil {
					b.Fatal(err)
				}
				for v, err := range Render(context.Background(), file, info, photo).Variants() {
					if err != nil {
						b.Fatal(err)
					}
					if v.Format != media.AVIF {
						quick = time.Since(start)
					}
				}
				ready += quick
			}
			b.ReportMetric(float64(ready.Milliseconds())/float64(b.N), "ready-ms/op")
		})
	}
}

// BenchmarkStage takes the preset photo apart: what each stage of a rendering costs
// by itself. cpu-ms is the processors' time, which is what an upload costs; an
// operation's time is shorter where libvips uses several processors.
func BenchmarkStage(b *testing.B) {
	photo := preset(b, "photo")
	file := phototest.Read(b, "test_exif_full.jpg")
	stage := func(name string, run func() error) {
		b.Run(name, func(b *testing.B) {
			before := processorTime()
			for b.Loop() {
				if err := run(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}

	info, err := Probe(file, media.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	stage("probe", func() error {
		_, err := Probe(file, media.DefaultLimits())
		return err
	})
	rendering := &Rendering{info: info, preset: photo}
	stages := rendering.stages()
	stage("decode", func() error {
		img, err := decode(file, info.Format, stages[0].plan.Scaled)
		if err == nil {
			img.free()
		}
		return err
	})
	larger, err := decode(file, info.Format, stages[0].plan.Scaled)
	if err != nil {
		b.Fatal(err)
	}
	defer larger.free()
	for _, s := range stages {
		img, err := larger.resize(s.plan.Scaled)
		if err != nil {
			b.Fatal(err)
		}
		defer img.free()
		if img.vips != larger.vips {
			from := larger
			stage("resize/"+s.names[0], func() error {
				img, err := from.resize(s.plan.Scaled)
				if err == nil {
					img.free()
				}
				return err
			})
		}
		for _, encoder := range photo.Encoders {
			stage(fmt.Sprintf("encode/%s/%s", strings.TrimPrefix(string(encoder.Format), "image/"), s.names[0]), func() error {
				_, err := img.encode(encoder, parseColor(photo.Background))
				return err
			})
		}
		larger = img
	}
	stage("placeholder", func() error {
		_, err := larger.placeholder()
		return err
	})
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage) // fails only for an invalid pointer
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
