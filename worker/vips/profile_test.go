package vips

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestLinearSRGBIsTheInverseOfItsPrimaries(t *testing.T) {
	product := matrix(linearSRGB).by(sRGBSpace().toPCS())
	for row := range 3 {
		for column := range 3 {
			want := 0.0
			if row == column {
				want = 1
			}
			if off := math.Abs(product[row][column] - want); off > 1e-6 {
				t.Errorf("row %d, column %d: %v, want %v", row, column, product[row][column], want)
			}
		}
	}
}

func TestCurvesOfProfilesAreRead(t *testing.T) {
	parametric := func(kind uint16, numbers ...float64) []byte {
		tag := binary.BigEndian.AppendUint16([]byte("para\x00\x00\x00\x00"), kind)
		tag = append(tag, 0, 0)
		for _, n := range numbers {
			tag = fixed(tag, n)
		}
		return tag
	}
	samples := func(values ...uint16) []byte {
		tag := binary.BigEndian.AppendUint32([]byte("curv\x00\x00\x00\x00"), uint32(len(values)))
		for _, v := range values {
			tag = binary.BigEndian.AppendUint16(tag, v)
		}
		return tag
	}
	for name, test := range map[string]struct {
		tag    []byte
		points map[float64]float64
	}{
		"linear":            {samples(), map[float64]float64{0: 0, 0.3: 0.3, 1: 1}},
		"exponent":          {samples(512), map[float64]float64{0: 0, 0.5: 0.25, 1: 1}},
		"samples":           {samples(0, 6553, 65535), map[float64]float64{0: 0, 0.25: 0.05, 0.5: 0.1, 0.75: 0.55, 1: 1}},
		"parametric 0":      {parametric(0, 3), map[float64]float64{0: 0, 0.5: 0.125, 1: 1}},
		"parametric 1":      {parametric(1, 2, 2, -0.5), map[float64]float64{0: 0, 0.2: 0, 0.5: 0.25}},
		"parametric 2":      {parametric(2, 2, 1, -0.5, 0.125), map[float64]float64{0: 0.125, 0.25: 0.125, 1: 0.375}},
		"parametric 3":      {parametric(3, 2, 1, 0, 0.5, 0.5), map[float64]float64{0: 0, 0.25: 0.125, 0.75: 0.5625}},
		"parametric 4":      {parametric(4, 2, 1, 0, 0.5, 0.5, 0.25, 0.125), map[float64]float64{0: 0.125, 0.25: 0.25, 0.75: 0.8125}},
		"parametric 3 sRGB": {sRGBTag(), map[float64]float64{0.02: sRGBCurve(0.02), 0.5: sRGBCurve(0.5), 1: 1}},
	} {
		curve, ok := readCurve(test.tag)
		if !ok {
			t.Errorf("%s: not read", name)
			continue
		}
		for value, want := range test.points {
			if got := curve(value); math.Abs(got-want) > 1e-4 {
				t.Errorf("%s: %v gives %v, want %v", name, value, got, want)
			}
		}
	}
	for name, tag := range map[string][]byte{
		"nothing": nil, "another type": []byte("text\x00\x00\x00\x00hello"),
		"too few samples": samples(1, 2, 3)[:16], "too few parameters": parametric(3, 2, 1), "an unknown kind": parametric(5, 1),
	} {
		if _, ok := readCurve(tag); ok {
			t.Errorf("%s: read as a curve", name)
		}
	}
}

func TestTablesAgreeWithLittleCMS(t *testing.T) {
	extent := media.Extent{Width: 756, Height: 1008}
	file := phototest.Read(t, "test_exif_full.jpg") // with Apple's profile Display P3
	original, err := Probe(file, media.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	want, err := original.decodeBy(nil, extent)
	if err != nil {
		t.Fatal(err)
	}
	defer want.free()
	colors := findConversion(original.icc)
	if colors == nil {
		t.Fatal("the profile is not read")
	}
	got, err := original.decodeBy(colors, extent)
	if err != nil {
		t.Fatal(err)
	}
	defer got.free()
	var off, worst float64
	for i, w := range want.pixels() {
		d := math.Abs(float64(w) - float64(got.pixels()[i]))
		off += d
		worst = max(worst, d)
	}
	off /= float64(len(want.pixels()))
	t.Logf("off by %.3f levels on average, %v at most", off, worst)
	if off > 0.15 || worst > 2 { // both round
		t.Errorf("off by %.3f levels on average, %v at most", off, worst)
	}
}

func TestProfilesBeyondTablesAreLeftToLibvips(t *testing.T) {
	s := p3Space()
	whole := s.profile("RGB ")
	with := func(change func([]byte)) []byte {
		changed := append([]byte(nil), whole...)
		change(changed)
		return changed
	}
	far := s
	far.green = [2]float64{0.01, 0.98} // light of almost no color that there is
	far.blue = [2]float64{0.4, 0.001}
	for name, icc := range map[string][]byte{
		"nothing":                nil,
		"a header only":          whole[:128],
		"a cut tag table":        whole[:140],
		"cut tags":               whole[:len(whole)-8],
		"a grey profile":         s.profile("GRAY"),
		"a later version":        with(func(b []byte) { b[8] = 5 }),
		"another space":          with(func(b []byte) { copy(b[16:], "HSV ") }),
		"a table comes first":    with(func(b []byte) { copy(b[132:], "A2B0") }),
		"no red":                 with(func(b []byte) { copy(b[132+12:], "none") }),
		"more tags than fit":     with(func(b []byte) { binary.BigEndian.PutUint32(b[128:], 1<<31) }),
		"a tag beyond the end":   with(func(b []byte) { binary.BigEndian.PutUint32(b[132+4:], 1<<31) }),
		"primaries far from all": far.profile("RGB "),
	} {
		profile, ok := readRGBProfile(icc)
		if ok && profile.conversion() != nil {
			t.Errorf("%s: converted by tables", name)
		}
	}
	if profile, ok := readRGBProfile(whole); !ok || profile.conversion() == nil {
		t.Error("not even the whole profile is read")
	}
}

// FuzzProfile looks for profiles that make tables which reach beyond their ends.
func FuzzProfile(f *testing.F) {
	for _, s := range []space{sRGBSpace(), p3Space(), adobeSpace(), proPhotoSpace()} {
		f.Add(s.profile("RGB "))
	}
	f.Fuzz(func(t *testing.T, icc []byte) {
		profile, ok := readRGBProfile(icc)
		if !ok {
			return
		}
		colors := profile.conversion()
		if colors == nil {
			return
		}
		for k := range 3 {
			var least, most float32
			for band := range 3 {
				low, high := float32(math.Inf(1)), float32(math.Inf(-1))
				for value := range 256 {
					low = min(low, colors.light[band][value][k])
					high = max(high, colors.light[band][value][k])
				}
				least, most = least+low, most+high
			}
			if !(least >= 0 && most < levels) {
				t.Fatalf("band %d: from %v to %v", k, least, most)
			}
		}
	})
}
