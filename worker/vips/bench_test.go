package vips

import (
	"context"
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
