package vips

import (
	"bytes"
	"encoding/binary"
	"math"
)

// space is an RGB color space by what an ICC matrix profile says about it: its
// primaries and white as CIE xy, and its transfer function.
type space struct {
	red, green, blue, white [2]float64
	curve                   func(float64) float64
	tag                     []byte // the curve as a tag of the profile
}

// gamma is a transfer function as in ICC.1:2001-04 §6.5.3, in steps of 1/256.
func gamma(steps uint16) (func(float64) float64, []byte) {
	tag := binary.BigEndian.AppendUint16([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), steps)
	return func(v float64) float64 { return math.Pow(v, float64(steps)/256) }, append(tag, 0, 0)
}

func sRGBCurve(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

// sRGBTag is sRGBCurve as a parametric curve of type 3: ICC.1:2022 §10.18.
func sRGBTag() []byte {
	tag := []byte("para\x00\x00\x00\x00\x00\x03\x00\x00")
	for _, parameter := range []float64{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045} {
		tag = fixed(tag, parameter)
	}
	return tag
}

var (
	d65 = [2]float64{0.3127, 0.3290}
	d50 = [2]float64{0.3457, 0.3585}
)

func sRGBSpace() space {
	return space{[2]float64{0.64, 0.33}, [2]float64{0.30, 0.60}, [2]float64{0.15, 0.06}, d65, sRGBCurve, sRGBTag()}
}

func p3Space() space { // SMPTE EG 432-1 with D65
	return space{[2]float64{0.680, 0.320}, [2]float64{0.265, 0.690}, [2]float64{0.150, 0.060}, d65, sRGBCurve, sRGBTag()}
}

func adobeSpace() space { // Adobe RGB (1998) §4.3
	curve, tag := gamma(563)
	return space{[2]float64{0.64, 0.33}, [2]float64{0.21, 0.71}, [2]float64{0.15, 0.06}, d65, curve, tag}
}

func proPhotoSpace() space { // ISO 22028-2, as in practice: without the linear part
	curve, tag := gamma(461)
	return space{[2]float64{0.7347, 0.2653}, [2]float64{0.1596, 0.8404}, [2]float64{0.0366, 0.0001}, d50, curve, tag}
}

type matrix [3][3]float64

func (m matrix) times(v [3]float64) (out [3]float64) {
	for i := range out {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

func (m matrix) by(n matrix) (out matrix) {
	for column := range 3 {
		v := m.times([3]float64{n[0][column], n[1][column], n[2][column]})
		for row := range 3 {
			out[row][column] = v[row]
		}
	}
	return out
}

func (m matrix) inverse() (out matrix) {
	determinant := 0.0
	for i := range 3 {
		determinant += m[0][i] * (m[1][(i+1)%3]*m[2][(i+2)%3] - m[1][(i+2)%3]*m[2][(i+1)%3])
	}
	for row := range 3 {
		for column := range 3 {
			a, b, c, d := (column+1)%3, (column+2)%3, (row+1)%3, (row+2)%3
			out[row][column] = (m[a][c]*m[b][d] - m[a][d]*m[b][c]) / determinant
		}
	}
	return out
}

func xyz(xy [2]float64) [3]float64 { return [3]float64{xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]} }

// toPCS takes linear RGB to CIE XYZ under D50, white adapted after Bradford
// (ICC.1:2022 annex E).
func (s space) toPCS() matrix {
	r, g, b := xyz(s.red), xyz(s.green), xyz(s.blue)
	primaries := matrix{{r[0], g[0], b[0]}, {r[1], g[1], b[1]}, {r[2], g[2], b[2]}}
	amounts := primaries.inverse().times(xyz(s.white))
	scaled := primaries.by(matrix{{amounts[0], 0, 0}, {0, amounts[1], 0}, {0, 0, amounts[2]}})
	bradford := matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	from, to := bradford.times(xyz(s.white)), bradford.times(xyz(d50))
	gains := matrix{{to[0] / from[0], 0, 0}, {0, to[1] / from[1], 0}, {0, 0, to[2] / from[2]}}
	return bradford.inverse().by(gains).by(bradford).by(scaled)
}

// pcs is what a pixel of the space looks like.
func (s space) pcs(r, g, b float64) [3]float64 {
	return s.toPCS().times([3]float64{s.curve(r), s.curve(g), s.curve(b)})
}

// inSRGB brings a color into what sRGB can show, as a relative colorimetric
// conversion does.
func inSRGB(color [3]float64) [3]float64 {
	toPCS := sRGBSpace().toPCS()
	linear := toPCS.inverse().times(color)
	for i, v := range linear {
		linear[i] = min(max(v, 0), 1)
	}
	return toPCS.times(linear)
}

// lab is a color in CIE L*a*b* under D50.
func lab(color [3]float64) [3]float64 {
	white := xyz(d50)
	var f [3]float64
	for i := range f {
		t := color[i] / white[i]
		if t > 216./24389 {
			f[i] = math.Cbrt(t)
		} else {
			f[i] = (24389./27*t + 16) / 116
		}
	}
	return [3]float64{116*f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])}
}

// deltaE is the color difference of CIE 1976.
func deltaE(a, b [3]float64) float64 {
	p, q := lab(a), lab(b)
	return math.Sqrt((p[0]-q[0])*(p[0]-q[0]) + (p[1]-q[1])*(p[1]-q[1]) + (p[2]-q[2])*(p[2]-q[2]))
}

func fixed(b []byte, v float64) []byte { // s15Fixed16Number
	return binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
}

type tag struct {
	name string
	data []byte
}

// profile writes the space as an ICC profile, for "RGB " or, with the curve only,
// "GRAY".
func (s space) profile(kind string) []byte {
	pcs := s.toPCS()
	triple := func(x, y, z float64) []byte { return fixed(fixed(fixed([]byte("XYZ \x00\x00\x00\x00"), x), y), z) }
	white := xyz(d50)
	tags := []tag{{"wtpt", triple(white[0], white[1], white[2])}, {"kTRC", s.tag}}
	if kind == "RGB " {
		tags = tags[:1]
		for i, name := range []string{"r", "g", "b"} {
			tags = append(tags, tag{name + "XYZ", triple(pcs[0][i], pcs[1][i], pcs[2][i])}, tag{name + "TRC", s.tag})
		}
	}
	version := byte(2)
	if bytes.HasPrefix(s.tag, []byte("para")) {
		version = 4
	}
	return writeProfile("mntr"+kind+"XYZ ", version, tags)
}

// writeProfile writes an ICC profile of a class, color space and connection space:
// header and tag table as in ICC.1:2022 §7.
func writeProfile(kind string, version byte, tags []tag) []byte {
	header := make([]byte, 128)
	header[8] = version
	copy(header[12:], kind)
	copy(header[36:], "acsp")
	copy(header[68:], fixed(fixed(fixed(nil, 0.9642), 1), 0.8249)) // the illuminant, D50
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	for _, t := range tags {
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(len(header)+4+12*len(tags)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.data)))
		data = append(data, t.data...)
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
	}
	profile := append(append(header, table...), data...)
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	return profile
}
