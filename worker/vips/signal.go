package vips

import "math"

// signal says what the numbers of a coded image mean, in the code points of
// ITU-T H.273.
type signal struct {
	primaries int // ColourPrimaries
	transfer  int // TransferCharacteristics
	matrix    int // MatrixCoefficients
	full      bool
}

const (
	unspecified = 2

	primariesBT709  = 1
	primariesBT470M = 4
	primariesPAL    = 5
	primariesNTSC   = 6
	primaries240M   = 7
	primariesBT2020 = 9
	primariesDCI    = 11
	primariesP3     = 12 // Display P3
	primariesEBU    = 22

	transferGamma22 = 4
	transferGamma28 = 5
	transferLinear  = 8
	transferSRGB    = 13
	transferPQ      = 16
	transferHLG     = 18

	matrixRGB       = -1 // no matrix of H.273: the samples are red, green and blue
	matrixIdentity  = 0
	matrixBT709     = 1
	matrixFCC       = 4
	matrixSMPTE240M = 7
	matrixYCgCo     = 8
	matrixBT2020    = 9
	matrixBT2020C   = 10
)

// hdr reports whether the image is of high dynamic range (ITU-R BT.2100).
func (s signal) hdr() bool { return s.transfer == transferPQ || s.transfer == transferHLG }

// profile returns the color space. It reports false where that is sRGB or HDR. What is unspecified, or unknown
// here, counts as sRGB. So do the transfer characteristics of video, as in browsers: pictures that declare them are
// made for the same screens.
func (s signal) profile() (profile rgbProfile, ok bool) {
	curve := sRGBLight
	switch s.transfer {
	case transferPQ, transferHLG:
		return profile, false
	case transferGamma22:
		curve = powerLight(2.2)
	case transferGamma28:
		curve = powerLight(2.8)
	case transferLinear:
		curve = powerLight(1)
	default:
		if s.chromaticities() == chromaticitiesOf[primariesBT709] {
			return profile, false
		}
	}
	return newProfile(s.chromaticities(), curve), true
}

// conversion returns the tables that take the image's red, green and blue to sRGB, or nil where they
// are sRGB or HDR.
func (s signal) conversion() *conversion {
	profile, ok := s.profile()
	if !ok {
		return nil
	}
	return profile.conversion()
}

// newProfile is a color space of primaries and one curve for all of them.
func newProfile(c chromaticities, curve func(float64) float64) rgbProfile {
	return rgbProfile{curves: [3]func(float64) float64{curve, curve, curve}, colors: c.space()}
}

// powerLight is the light of a value by a pure power.
func powerLight(exponent float64) func(float64) float64 {
	return func(value float64) float64 { return math.Pow(value, exponent) }
}

// chromaticities are CIE x and y of red, green, blue and white.
type chromaticities [4][2]float64

var (
	whiteD65 = [2]float64{0.3127, 0.3290}
	whiteC   = [2]float64{0.310, 0.316}
)

// chromaticitiesOf is table 2 of ITU-T H.273.
var chromaticitiesOf = map[int]chromaticities{
	primariesBT709:  {{0.640, 0.330}, {0.300, 0.600}, {0.150, 0.060}, whiteD65},
	primariesBT470M: {{0.67, 0.33}, {0.21, 0.71}, {0.14, 0.08}, whiteC},
	primariesPAL:    {{0.64, 0.33}, {0.29, 0.60}, {0.15, 0.06}, whiteD65},
	primariesNTSC:   {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, whiteD65},
	primaries240M:   {{0.630, 0.340}, {0.310, 0.595}, {0.155, 0.070}, whiteD65},
	primariesBT2020: {{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, whiteD65},
	primariesDCI:    {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, {0.314, 0.351}},
	primariesP3:     {{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, whiteD65},
	primariesEBU:    {{0.630, 0.340}, {0.295, 0.605}, {0.155, 0.077}, whiteD65},
}

func (s signal) chromaticities() chromaticities {
	if c, ok := chromaticitiesOf[s.primaries]; ok {
		return c
	}
	return chromaticitiesOf[primariesBT709]
}

// space is red, green and blue at full light, in CIE XYZ adapted to D50.
func (s signal) space() [3][3]float64 { return s.chromaticities().space() }

// space solves for the light of each primary that adds up to white, and adapts the result to D50 by
// the Bradford matrix (ICC.1:2022 annex E).
func (c chromaticities) space() [3][3]float64 {
	xyz := func(xy [2]float64) [3]float64 { return [3]float64{xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]} }
	var columns [3][3]float64 // of the matrix from the lights of the primaries to XYZ
	for i := range 3 {
		for k, v := range xyz(c[i]) {
			columns[k][i] = v
		}
	}
	white := xyz(c[3])
	lights := apply(invert(columns), white)
	adapt := adaptation(white)
	var space [3][3]float64
	for i := range 3 {
		primary := xyz(c[i])
		for k := range primary {
			primary[k] *= lights[i]
		}
		space[i] = apply(adapt, primary)
	}
	return space
}

// adaptation is the matrix that takes XYZ under a white to XYZ under D50.
func adaptation(white [3]float64) [3][3]float64 {
	d50 := [3]float64{0.9642, 1, 0.8249}
	bradford := [3][3]float64{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := apply(bradford, white), apply(bradford, d50)
	back := invert(bradford)
	var m [3][3]float64
	for row := range 3 {
		for column := range 3 {
			for k := range 3 {
				m[row][column] += back[row][k] * to[k] / from[k] * bradford[k][column]
			}
		}
	}
	return m
}

func apply(m [3][3]float64, v [3]float64) (out [3]float64) {
	for row := range 3 {
		for k := range 3 {
			out[row] += m[row][k] * v[k]
		}
	}
	return out
}

func invert(m [3][3]float64) (out [3][3]float64) {
	minor := func(r, c int) float64 { // with its sign, by the cyclic order of rows and columns
		r1, r2, c1, c2 := (r+1)%3, (r+2)%3, (c+1)%3, (c+2)%3
		return m[r1][c1]*m[r2][c2] - m[r1][c2]*m[r2][c1]
	}
	determinant := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	for row := range 3 {
		for column := range 3 {
			out[column][row] = minor(row, column) / determinant
		}
	}
	return out
}

// planeMatrix takes the coded samples Y, Cb and Cr, or green, blue and red, of so many bits, and 1, to red, green
// and blue from 0 to top: ITU-T H.273 §8.3. A matrix that is unspecified, or can't be computed here, counts
// as that of BT.601, as in libheif.
func (s signal) planeMatrix(bits int, top float64) (out [3][4]float64) {
	kr, kb := 0.299, 0.114
	switch s.matrix {
	case matrixBT709:
		kr, kb = 0.2126, 0.0722
	case matrixFCC:
		kr, kb = 0.30, 0.11
	case matrixSMPTE240M:
		kr, kb = 0.212, 0.087
	case matrixBT2020, matrixBT2020C:
		kr, kb = 0.2627, 0.0593
	}
	kg := 1 - kr - kb
	weights := [3][3]float64{ // by rows: of the three samples in red, in green and in blue
		{1, 0, 2 * (1 - kr)},
		{1, -2 * (1 - kb) * kb / kg, -2 * (1 - kr) * kr / kg},
		{1, 2 * (1 - kb), 0},
	}
	depth := float64(int(1) << bits)
	zero := [3]float64{0, depth / 2, depth / 2}
	gain := [3]float64{top / (depth - 1), top / (depth - 1), top / (depth - 1)}
	if !s.full {
		unit := depth / 256
		zero[0] = 16 * unit
		gain = [3]float64{top / (219 * unit), top / (224 * unit), top / (224 * unit)}
	}
	switch s.matrix {
	case matrixRGB:
		weights = [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
		zero = [3]float64{}
	case matrixIdentity:
		weights = [3][3]float64{{0, 0, 1}, {1, 0, 0}, {0, 1, 0}}
		zero = [3]float64{zero[0], zero[0], zero[0]}
		gain = [3]float64{gain[0], gain[0], gain[0]}
	case matrixYCgCo:
		weights = [3][3]float64{{1, -1, 1}, {1, 1, 0}, {1, -1, -1}}
	}
	for row := range 3 {
		for k := range 3 {
			out[row][k] = weights[row][k] * gain[k]
			out[row][3] -= out[row][k] * zero[k]
		}
	}
	return out
}
