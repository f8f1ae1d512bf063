package media_test

import (
	"math"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestPlan(t *testing.T) {
	inside := media.Preset{Fit: media.Inside}
	cover := media.Preset{Fit: media.Cover, Crop: media.Centre}
	tests := []struct {
		name           string
		preset         media.Preset
		size           media.Size
		upright        media.Extent
		scaled, output media.Extent
	}{
		{"portrait by width", inside, media.Size{Width: 320}, media.Extent{Width: 3024, Height: 4032}, media.Extent{Width: 320, Height: 427}, media.Extent{Width: 320, Height: 427}},
		{"as it is", inside, media.Size{Width: 320}, media.Extent{Width: 320, Height: 10}, media.Extent{Width: 320, Height: 10}, media.Extent{Width: 320, Height: 10}},
		{"small stays small", inside, media.Size{Width: 1920}, media.Extent{Width: 100, Height: 50}, media.Extent{Width: 100, Height: 50}, media.Extent{Width: 100, Height: 50}},
		{"by height", inside, media.Size{Width: 320, Height: 100}, media.Extent{Width: 400, Height: 400}, media.Extent{Width: 100, Height: 100}, media.Extent{Width: 100, Height: 100}},
		{"a line", inside, media.Size{Width: 320}, media.Extent{Width: 100_000, Height: 1}, media.Extent{Width: 320, Height: 1}, media.Extent{Width: 320, Height: 1}},
		{"a tower", inside, media.Size{Width: 320}, media.Extent{Width: 10, Height: 50_000}, media.Extent{Width: 3, Height: media.MaxEdge}, media.Extent{Width: 3, Height: media.MaxEdge}},
		{"half up", inside, media.Size{Width: 2}, media.Extent{Width: 4, Height: 5}, media.Extent{Width: 2, Height: 3}, media.Extent{Width: 2, Height: 3}},
		{"square of landscape", cover, media.Size{Width: 64, Height: 64}, media.Extent{Width: 4000, Height: 3000}, media.Extent{Width: 85, Height: 64}, media.Extent{Width: 64, Height: 64}},
		{"square of portrait", cover, media.Size{Width: 64, Height: 64}, media.Extent{Width: 3000, Height: 4000}, media.Extent{Width: 64, Height: 85}, media.Extent{Width: 64, Height: 64}},
		{"card of portrait", cover, media.Size{Width: 400, Height: 225}, media.Extent{Width: 3024, Height: 4032}, media.Extent{Width: 400, Height: 533}, media.Extent{Width: 400, Height: 225}},
		{"too small to fill", cover, media.Size{Width: 400, Height: 225}, media.Extent{Width: 200, Height: 200}, media.Extent{Width: 200, Height: 200}, media.Extent{Width: 200, Height: 113}},
		{"wide enough, not high enough", cover, media.Size{Width: 400, Height: 225}, media.Extent{Width: 1000, Height: 100}, media.Extent{Width: 1000, Height: 100}, media.Extent{Width: 178, Height: 100}},
		{"one pixel", cover, media.Size{Width: 64, Height: 64}, media.Extent{Width: 1, Height: 1}, media.Extent{Width: 1, Height: 1}, media.Extent{Width: 1, Height: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.preset.Plan(test.size, test.upright); got.Scaled != test.scaled || got.Output != test.output {
				t.Errorf("got %+v, want %+v of %+v", got, test.output, test.scaled)
			}
		})
	}
}

// FuzzPlan checks what holds for every plan: nothing is enlarged, nothing is
// distorted by more than rounding, and a cover fills its size wherever the image
// is large enough.
func FuzzPlan(f *testing.F) {
	f.Add(uint16(320), uint16(0), uint32(3024), uint32(4032), false)
	f.Add(uint16(400), uint16(225), uint32(399), uint32(226), true)
	f.Add(uint16(3), uint16(2), uint32(1), uint32(1000), true)
	f.Add(uint16(1), uint16(16383), uint32(1), uint32(65535), true)
	f.Fuzz(func(t *testing.T, width, height uint16, uprightWidth, uprightHeight uint32, fill bool) {
		size := media.Size{Width: 1 + int(width)%media.MaxEdge, Height: int(height) % (media.MaxEdge + 1)}
		upright := media.Extent{Width: 1 + int(uprightWidth)%10_000_000, Height: 1 + int(uprightHeight)%10_000_000}
		preset := media.Preset{Fit: media.Inside}
		if fill {
			preset = media.Preset{Fit: media.Cover, Crop: media.Centre}
			size.Height = max(1, size.Height)
		}
		plan := preset.Plan(size, upright)
		scaled, output := plan.Scaled, plan.Output
		if !within(output, scaled) || !within(scaled, upright) || output.Width < 1 || output.Height < 1 {
			t.Fatalf("%+v of %+v: %+v", size, upright, plan)
		}
		if !alike(scaled, upright) {
			t.Errorf("%+v of %+v: distorted to %+v", size, upright, scaled)
		}
		if output.Width > size.Width || output.Height > size.Height && size.Height > 0 || output.Height > media.MaxEdge {
			t.Errorf("%+v of %+v: too large, %+v", size, upright, output)
		}
		if fill {
			checkCover(t, size, upright, plan)
		} else {
			checkInside(t, size, upright, plan)
		}
	})
}

func checkCover(t *testing.T, size media.Size, upright media.Extent, plan media.Plan) {
	want := media.Extent{Width: size.Width, Height: size.Height}
	if within(want, upright) {
		if plan.Output != want {
			t.Errorf("%+v of %+v: not filled by %+v", size, upright, plan.Output)
		}
	} else if !alike(plan.Output, want) {
		t.Errorf("%+v of %+v: another shape, %+v", size, upright, plan.Output)
	}
	if plan.Output.Width < plan.Scaled.Width && plan.Output.Height < plan.Scaled.Height {
		t.Errorf("%+v of %+v: more is cropped than needed, %+v", size, upright, plan)
	}
}

func checkInside(t *testing.T, size media.Size, upright media.Extent, plan media.Plan) {
	if plan.Output != plan.Scaled {
		t.Errorf("%+v of %+v: cropped, %+v", size, upright, plan)
	}
	limit := size.Height
	if limit == 0 {
		limit = media.MaxEdge
	}
	fits := upright.Width <= size.Width && upright.Height <= limit
	if fits && plan.Output != upright || !fits && plan.Output.Width != size.Width && plan.Output.Height != limit {
		t.Errorf("%+v of %+v: not as large as can be, %+v", size, upright, plan)
	}
}

func within(a, b media.Extent) bool { return a.Width <= b.Width && a.Height <= b.Height }

// alike reports whether a has the shape of b to within a pixel: there is a factor
// that brings each edge of b within half a pixel of a's, or a's is the one pixel
// that is the least.
func alike(a, b media.Extent) bool {
	low := max(factor(a.Width, b.Width, -0.5), factor(a.Height, b.Height, -0.5))
	high := min(factor(a.Width, b.Width, 0.5), factor(a.Height, b.Height, 0.5))
	return low <= high*(1+1e-12) || a.Width == 1 || a.Height == 1
}

func factor(to, from int, off float64) float64 { return math.Max(0, float64(to)+off) / float64(from) }
