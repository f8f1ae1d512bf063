package vips

// #cgo LDFLAGS: -lm
// #include "hdr.h"
import "C"

import (
	"math"
	"unsafe"
)

// An HDR image (ITU-R BT.2100) is brought to sRGB so that its reference white of 203 cd/m² (ITU-R BT.2408) stays
// close below white, and lights above it keep their shape: by the EETF of ITU-R BT.2390-8 §5.4.1, from a display of
// 1000 cd/m² to one of 203. It is applied to the brightest of red, green and blue, and to the other two in
// proportion, so that colours keep their hue. Colours outside of sRGB lose saturation and keep their luminance.
const (
	referenceWhite = 203.0  // cd/m²
	peakPQ         = 10000. // cd/m²
	peakDisplay    = 1000.  // cd/m², of the display that the image is taken to be made for
	gammaHLG       = 1.2    // of the system, for a display of that peak (BT.2100 table 5)
)

// toneMap is the tables that take an HDR image to sRGB. It is laid out like PresizeHDR.
type toneMap struct {
	light   [C.PRESIZE_CODES]float32
	weights [3]float32
	system  [C.PRESIZE_CODES]float32
	tone    [C.PRESIZE_CODES]float32
	peak    float32
	toSRGB  [3][3]float32
	level   [C.PRESIZE_LIGHTS + 1]uint8
	_       [3]uint8
}

var _ = [1]int{}[unsafe.Sizeof(toneMap{})-C.sizeof_PresizeHDR] // compiles only if it is

// c is the table for the bridge, which must not keep it.
func (t *toneMap) c() *C.PresizeHDR { return (*C.PresizeHDR)(unsafe.Pointer(t)) }

// newToneMap returns the tables for an image with such code points, or nil where it is not HDR.
func newToneMap(s signal) *toneMap {
	if !s.hdr() {
		return nil
	}
	primaries := s.space()
	t := &toneMap{peak: peakDisplay / referenceWhite}
	for band, color := range primaries {
		t.weights[band] = float32(color[1])
		for k, row := range linearSRGB {
			t.toSRGB[k][band] = float32(row[0]*color[0] + row[1]*color[1] + row[2]*color[2])
		}
	}
	for i := range t.light {
		value := float64(i) / (C.PRESIZE_CODES - 1)
		if s.transfer == transferPQ {
			t.light[i] = float32(lightPQ(value) / referenceWhite)
			t.system[i] = 1
		} else {
			t.light[i] = float32(sceneHLG(value))
			t.system[i] = float32(peakDisplay / referenceWhite * math.Pow(value*value, gammaHLG-1))
		}
		brightest := value * value * peakDisplay
		t.tone[i] = 1
		if brightest > 0 {
			t.tone[i] = float32(reduce(brightest) / brightest)
		}
	}
	for i := range t.level {
		t.level[i] = sRGBLevels()[steps+i*steps/C.PRESIZE_LIGHTS]
	}
	return t
}

// lightPQ is the EOTF of PQ, in cd/m² (BT.2100 table 4).
func lightPQ(value float64) float64 {
	const m1, m2 = 2610. / 16384, 2523. / 4096 * 128
	const c1, c2, c3 = 3424. / 4096, 2413. / 4096 * 32, 2392. / 4096 * 32
	power := math.Pow(value, 1/m2)
	return peakPQ * math.Pow(max(power-c1, 0)/(c2-c3*power), 1/m1)
}

// valuePQ is its inverse.
func valuePQ(light float64) float64 {
	const m1, m2 = 2610. / 16384, 2523. / 4096 * 128
	const c1, c2, c3 = 3424. / 4096, 2413. / 4096 * 32, 2392. / 4096 * 32
	power := math.Pow(light/peakPQ, m1)
	return math.Pow((c1+c2*power)/(1+c3*power), m2)
}

// sceneHLG is the inverse OETF of HLG: the light of the scene, 0 to 1 (BT.2100 table 5).
func sceneHLG(value float64) float64 {
	const a, b, c = 0.17883277, 0.28466892, 0.55991073
	if value <= 0.5 {
		return value * value / 3
	}
	return (math.Exp((value-c)/a) + b) / 12
}

// reduce is the EETF of BT.2390-8 §5.4.1, from 0 to peakDisplay to 0 to referenceWhite, in cd/m².
func reduce(light float64) float64 {
	peak := valuePQ(peakDisplay)
	most := valuePQ(referenceWhite) / peak
	knee := 1.5*most - 0.5
	e := valuePQ(light) / peak
	if e >= knee {
		t := (e - knee) / (1 - knee)
		t2, t3 := t*t, t*t*t
		e = (2*t3-3*t2+1)*knee + (t3-2*t2+t)*(1-knee) + (3*t2-2*t3)*most
	}
	return lightPQ(e * peak)
}
