//go:build !quick

package vips

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// BenchmarkRender renders the preset photo. The time of an operation is that to the
// last variant, ready-ms the one to the last quick variant; cpu-ms is the processors'
// time, peak-MiB the most memory resident, the benchmark's own 60 MiB included.
func BenchmarkRender(b *testing.B) {
	photo := preset(b, "photo")
	phone := phototest.Read(b, "test_exif_full.jpg")
	large, err := bimg.Resize(phone, bimg.Options{Width: 5664, Height: 4248, Force: true, NoAutoRotate: true, Quality: 90})
	if err != nil {
		b.Fatal(err)
	}
	for name, file := range map[string][]byte{
		"JPEG,12MP,P3":    phone,
		"JPEG,24MP":       large,
		"HEIC,12MP":       phototest.Read(b, "test.heic"),
		"PNG,transparent": phototest.Read(b, "transparent.png"),
		"GIF,24 frames":   phototest.Read(b, "test.gif"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			forgetPeak(b)
			var ready time.Duration
			before := processorTime()
			for b.Loop() {
				start := time.Now()
				var quick time.Duration
				info, err := Probe(file, media.DefaultLimits())
				if err != nil {
					b.Fatal(err)
				}
				for v, err := range info.Render(context.Background(), photo).Variants() {
					if err != nil {
						b.Fatal(err)
					}
					if v.Format != media.AVIF {
						quick = time.Since(start)
					}
				}
				ready += quick
			}
			b.ReportMetric(milliseconds(processorTime()-before)/float64(b.N), "cpu-ms/op")
			b.ReportMetric(milliseconds(ready)/float64(b.N), "ready-ms/op")
			peak, err := status("VmHWM")
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(peak>>20), "peak-MiB")
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
			b.ReportMetric(milliseconds(processorTime()-before)/float64(b.N), "cpu-ms/op")
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
	rendering := &Rendering{original: info, preset: photo}
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

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// forgetPeak gives free memory back, and makes VmHWM the peak from now on: proc(5),
// /proc/pid/clear_refs.
func forgetPeak(b *testing.B) {
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}
