package vips

import (
	"math"
	"testing"
)

func TestCurvesFollowBT2100(t *testing.T) {
	for value, want := range map[float64]float64{0: 0, 0.508: 100, 0.581: 203, 0.7518: 1000, 1: 10000} {
		if got := lightPQ(value); math.Abs(got-want) > 0.01*want {
			t.Errorf("PQ of %v is %.1f cd/m², want %v", value, got, want)
		}
		if got := valuePQ(lightPQ(value)); math.Abs(got-value) > 1e-6 {
			t.Errorf("PQ of %v and back is %v", value, got)
		}
	}
	for value, want := range map[float64]float64{0: 0, 0.5: 1. / 12, 0.75: 0.265, 1: 1} {
		if got := sceneHLG(value); math.Abs(got-want) > 0.001 {
			t.Errorf("HLG of %v is %.4f, want %.4f", value, got, want)
		}
	}
}

// TestToneMappingFollowsBT2390 holds what its EETF promises: dark parts as they are, no step at the knee, the
// peak at the new peak, and never a darker picture of a lighter scene.
func TestToneMappingFollowsBT2390(t *testing.T) {
	for _, light := range []float64{0.01, 1, 10, 50, 80} {
		if got := reduce(light); math.Abs(got-light) > 0.001*light {
			t.Errorf("%v cd/m² becomes %.3f", light, got)
		}
	}
	if got := reduce(peakDisplay); math.Abs(got-referenceWhite) > 0.5 {
		t.Errorf("the peak becomes %.1f cd/m²", got)
	}
	if got := reduce(referenceWhite) / referenceWhite; got < 0.7 || got > 0.9 {
		t.Errorf("the reference white becomes %.2f of white", got)
	}
	for light := 1.; light < peakDisplay; light++ {
		if step := reduce(light+1) - reduce(light); step < 0 || step > 1.01 {
			t.Fatalf("from %v cd/m² on there is a step of %.3f", light, step)
		}
	}
}

func TestToneMapKeepsGreyGreyAndWhiteWhite(t *testing.T) {
	for name, transfer := range map[string]int{"PQ": transferPQ, "HLG": transferHLG} {
		tones := newToneMap(signal{primaries: primariesBT2020, transfer: transfer, matrix: matrixBT2020})
		for _, row := range tones.toSRGB {
			if sum := row[0] + row[1] + row[2]; math.Abs(float64(sum)-1) > 0.002 {
				t.Errorf("%s: grey gets a color: %v", name, row)
			}
		}
		if sum := tones.weights[0] + tones.weights[1] + tones.weights[2]; math.Abs(float64(sum)-1) > 0.001 {
			t.Errorf("%s: white has the luminance %v", name, sum)
		}
		last := len(tones.tone) - 1
		if white := tones.tone[last] * tones.peak; math.Abs(float64(white)-1) > 0.01 {
			t.Errorf("%s: the peak becomes %v of white", name, white)
		}
	}
	if newToneMap(signal{primaries: primariesBT2020, transfer: 14}) != nil {
		t.Error("BT.2020 without HDR is tone-mapped")
	}
}

func TestSpacesOfPrimariesAreThoseOfTheirProfiles(t *testing.T) {
	for name, test := range map[string]struct {
		primaries int
		want      [3][3]float64 // of the usual ICC profiles
	}{
		"sRGB":       {primariesBT709, [3][3]float64{{0.4360, 0.2225, 0.0139}, {0.3851, 0.7169, 0.0971}, {0.1431, 0.0606, 0.7141}}},
		"Display P3": {primariesP3, [3][3]float64{{0.5151, 0.2412, -0.0011}, {0.2920, 0.6922, 0.0419}, {0.1571, 0.0666, 0.7841}}},
	} {
		for i, color := range (signal{primaries: test.primaries}).space() {
			for k, got := range color {
				if math.Abs(got-test.want[i][k]) > 0.001 {
					t.Errorf("%s: color %d is %.4f, want %.4f", name, i, color, test.want[i])
				}
			}
		}
	}
}
