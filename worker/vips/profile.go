package vips

// #include "colors.h"
import "C"

import (
	"encoding/binary"
	"math"
	"strings"
	"sync"
	"unsafe"
)

// rgbProfile is an RGB color space as most cameras and phones describe theirs, in an
// ICC profile (ICC.1:2022) that has a curve and a color for each of red, green and
// blue. LittleCMS, which libvips converts with, does the same arithmetic in five times
// the time; that was a third of what it took to decode a photo.
type rgbProfile struct {
	curves [3]func(float64) float64 // from the value of a pixel, 0 to 1, to its light, which counts from 0 to 1
	colors [3][3]float64            // red, green and blue at full light: CIE XYZ, adapted to D50
}

// linearSRGB takes CIE XYZ, adapted to D50 (ICC.1:2022 annex E), to the primaries of sRGB
// (IEC 61966-2-1).
var linearSRGB = [3][3]float64{
	{3.1341359, -1.6173860, -0.4906622},
	{-0.9787955, 1.9162544, 0.0334429},
	{0.0719554, -0.2289768, 1.4053860},
}

// sRGBLight is the light of a value: IEC 61966-2-1 §5.2.
func sRGBLight(value float64) float64 {
	if value <= 0.04045 {
		return value / 12.92
	}
	return math.Pow((value+0.055)/1.055, 2.4)
}

const (
	steps  = 8192      // how finely light from 0 to 1 is told apart
	levels = 4 * steps // from -1, which other spaces reach and sRGB does not show, to 3
)

// conversion is the tables that take colors to sRGB. It is laid out like PresizeColors.
type conversion struct {
	light [3][256][4]float32
	level [levels]uint8
}

var _ = [1]int{}[unsafe.Sizeof(conversion{})-C.sizeof_PresizeColors] // compiles only if it is

// c is the conversion for the bridge, which must not keep it.
func (c *conversion) c() *C.PresizeColors { return (*C.PresizeColors)(unsafe.Pointer(c)) }

// sRGBLevels is the 8-bit value of each step of light.
var sRGBLevels = sync.OnceValue(func() (level [levels]uint8) {
	for i := range level {
		light := min(max(float64(i)/steps-1, 0), 1)
		value := 12.92 * light
		if light > 0.0031308 {
			value = 1.055*math.Pow(light, 1/2.4) - 0.055
		}
		level[i] = uint8(math.Round(255 * value))
	}
	return level
})

// conversion returns the tables that take colors of the profile to sRGB, or nil where
// these would not reach.
func (p rgbProfile) conversion() *conversion {
	c := &conversion{level: sRGBLevels()}
	least, most := [3]float64{1, 1, 1}, [3]float64{1, 1, 1}
	for band, color := range p.colors {
		for k, row := range linearSRGB {
			full := row[0]*color[0] + row[1]*color[1] + row[2]*color[2]
			least[k] += min(full, 0)
			most[k] += max(full, 0)
			for value := range 256 {
				light := p.curves[band](float64(value) / 255)
				if !(light > 0) { // not a number counts as none
					light = 0
				}
				c.light[band][value][k] = float32(steps * full * min(light, 1))
			}
		}
	}
	for k := range 3 {
		const margin = 2. / steps // for what is rounded
		if !(least[k] > margin && most[k] < levels/steps-margin) {
			return nil
		}
		for value := range 256 { // the sum is cut off to an index, and begins at -1
			c.light[0][value][k] += steps + 0.5
		}
	}
	return c
}

const profileHeader = 128 // bytes

// usable tells whether an ICC profile is one for an image in RGB or grey, or for one in CMYK,
// by its header (ICC.1:2022 §7.2). Browsers leave out others, and so does presize. What is
// behind the header may still be of no use: see [unusableProfile].
func usable(icc []byte, inks bool) bool {
	if len(icc) < profileHeader+4 || string(icc[36:40]) != "acsp" {
		return false
	}
	const latest = 4 // major version
	if size := binary.BigEndian.Uint32(icc); size < profileHeader+4 || icc[8] > latest {
		return false
	}
	switch string(icc[16:20]) {
	case "RGB ", "GRAY":
		return !inks
	case "CMYK":
		return inks
	}
	return false
}

// findConversion returns the tables for a colour profile, or nil where the whole of a
// color engine is needed, or nothing at all, because there is no profile.
func findConversion(icc []byte) *conversion {
	profile, ok := readRGBProfile(icc)
	if !ok {
		return nil
	}
	return profile.conversion()
}

// readRGBProfile reads an ICC profile. It reports false unless the profile is of the
// kind that rgbProfile stands for, and has no table that comes first (ICC.1:2022 §8.10).
func readRGBProfile(icc []byte) (profile rgbProfile, ok bool) {
	const entry = 12 // bytes, of the tag table
	if !usable(icc, false) || string(icc[16:24]) != "RGB XYZ " {
		return profile, false
	}
	tags := make(map[string][]byte)
	table := icc[profileHeader+4:]
	for range binary.BigEndian.Uint32(icc[profileHeader:]) {
		if len(table) < entry {
			return profile, false
		}
		name := string(table[:4])
		offset, size := uint64(binary.BigEndian.Uint32(table[4:])), uint64(binary.BigEndian.Uint32(table[8:]))
		if offset+size > uint64(len(icc)) || strings.HasPrefix(name, "A2B") || strings.HasPrefix(name, "D2B") {
			return profile, false
		}
		tags[name] = icc[offset : offset+size]
		table = table[entry:]
	}
	for band, name := range []string{"r", "g", "b"} {
		color := tags[name+"XYZ"]
		if len(color) < 20 || string(color[:4]) != "XYZ " {
			return profile, false
		}
		for i := range 3 {
			profile.colors[band][i] = fixedPoint(color[8+4*i:])
		}
		if profile.curves[band], ok = readCurve(tags[name+"TRC"]); !ok {
			return profile, false
		}
	}
	return profile, true
}

// readCurve reads a curveType or a parametricCurveType (ICC.1:2022 §10.6, §10.18).
func readCurve(tag []byte) (curve func(float64) float64, ok bool) {
	if len(tag) < 12 {
		return nil, false
	}
	switch string(tag[:4]) {
	case "curv":
		return readSamples(tag[12:], int(binary.BigEndian.Uint32(tag[8:])))
	case "para":
		return readParametric(tag[12:], int(binary.BigEndian.Uint16(tag[8:])))
	}
	return nil, false
}

// readSamples reads the curve of a curveType: count values with equal distances, or an
// exponent, or nothing for what is linear already.
func readSamples(samples []byte, count int) (curve func(float64) float64, ok bool) {
	const size = 2
	if count > len(samples)/size {
		return nil, false
	}
	sample := func(i int) float64 { return float64(binary.BigEndian.Uint16(samples[size*i:])) }
	switch count {
	case 0:
		return func(v float64) float64 { return v }, true
	case 1:
		exponent := sample(0) / 256 // u8Fixed8Number
		return func(v float64) float64 { return math.Pow(v, exponent) }, true
	}
	return func(v float64) float64 {
		whole, part := math.Modf(v * float64(count-1))
		left := int(whole)
		right := min(left+1, count-1)
		return (sample(left)*(1-part) + sample(right)*part) / 65535
	}, true
}

// readParametric reads the curve of a parametricCurveType.
func readParametric(numbers []byte, kind int) (curve func(float64) float64, ok bool) {
	counts := []int{1, 3, 4, 5, 7} // parameters by kind
	if kind >= len(counts) || len(numbers) < 4*counts[kind] {
		return nil, false
	}
	var parameters [7]float64
	for i := range counts[kind] {
		parameters[i] = fixedPoint(numbers[4*i:])
	}
	g, a, b, c, d, e, f := parameters[0], parameters[1], parameters[2], parameters[3], parameters[4], parameters[5], parameters[6]
	switch kind { // all as one: above and below a limit
	case 0:
		a = 1
	case 1:
		c, d = 0, -b/a
	case 2:
		c, d, e, f = 0, -b/a, c, c
	}
	return func(v float64) float64 {
		if v >= d {
			return math.Pow(a*v+b, g) + e
		}
		return c*v + f
	}, true
}

// fixedPoint reads an s15Fixed16Number.
func fixedPoint(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }
