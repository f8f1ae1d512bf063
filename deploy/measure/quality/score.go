package main

import "math"

// score is SSIMULACRA 2.1, the measure of libjxl (tools/ssimulacra2.cc): 100 for the
// same pixels, about 90 where nobody sees a difference, 70 for high and 50 for medium
// quality. It compares structure, new edges and lost edges at six scales, in a colour
// space that follows the eye.
//
// The blur is a plain convolution. libjxl's recursive filter does the same in another
// order, so results differ by rounding alone.

const (
	scales    = 6
	smallest  = 8 // edge in pixels below which a scale is left out
	stability = 0.0009
)

// taps is one half of the blur's kernel from the center outwards: a Gaussian of sigma
// 1.5 as a sum of three cosines (Charalampidis 2016), as libjxl has it.
var taps = [...]float32{0.2646211054881985, 0.2129285920104222, 0.1093353727774603, 0.0360111146583644, 0.00941436780965374}

// planes are the three bands of an image, row by row.
type planes struct {
	width, height int
	bands         [3][]float32
}

func newPlanes(width, height int) *planes {
	p := &planes{width: width, height: height}
	for band := range p.bands {
		p.bands[band] = make([]float32, width*height)
	}
	return p
}

// linear converts 8-bit sRGB, three bytes a pixel, to linear light.
func linear(width, height int, rgb []byte) *planes {
	var table [256]float32
	for i := range table {
		v := float64(i) / 255
		if v <= 0.04045 {
			table[i] = float32(v / 12.92)
		} else {
			table[i] = float32(math.Pow((v+0.055)/1.055, 2.4))
		}
	}
	p := newPlanes(width, height)
	for band, values := range p.bands {
		for i := range values {
			values[i] = table[rgb[3*i+band]]
		}
	}
	return p
}

// half is the image at half the size, each pixel the mean of four. Edges repeat.
func (p *planes) half() *planes {
	h := newPlanes((p.width+1)/2, (p.height+1)/2)
	for band, in := range p.bands {
		for y := range h.height {
			upper := in[2*y*p.width:][:p.width]
			lower := in[min(2*y+1, p.height-1)*p.width:][:p.width]
			for x := range h.width {
				left, right := 2*x, min(2*x+1, p.width-1)
				h.bands[band][y*h.width+x] = (upper[left] + upper[right] + lower[left] + lower[right]) / 4
			}
		}
	}
	return h
}

// xyb converts linear light to XYB, moved so that every band is about 0 to 1.
func (p *planes) xyb() *planes {
	const bias = 0.0037930732552754493
	root := float32(math.Cbrt(bias))
	out := newPlanes(p.width, p.height)
	for i := range p.bands[0] {
		r, g, b := p.bands[0][i], p.bands[1][i], p.bands[2][i]
		long := cubeRoot(0.30*r+0.622*g+0.078*b+bias) - root
		medium := cubeRoot(0.23*r+0.692*g+0.078*b+bias) - root
		short := cubeRoot(0.24342268924547819*r+0.20476744424496821*g+0.5518098665095536*b+bias) - root
		x, y := (long-medium)/2, (long+medium)/2
		out.bands[0][i] = 14*x + 0.42
		out.bands[1][i] = y + 0.01
		out.bands[2][i] = short - y + 0.55
	}
	return out
}

// cubeRoot is exact to float32 for 0 < v < 2, and much faster than math.Cbrt.
func cubeRoot(v float32) float32 {
	x := float64(math.Float32frombits(math.Float32bits(v)/3 + 0x2a5137a0))
	w := float64(v)
	for range 2 { // Halley's method triples the digits each time
		cube := x * x * x
		x *= (cube + 2*w) / (2*cube + w)
	}
	return float32(x)
}

// blurred is the blurred product of two bands. Pixels outside of the image count as 0.
func blurred(width, height int, a, b, scratch []float32) []float32 {
	const margin = len(taps) - 1
	row := make([]float32, width+2*margin)
	for y := range height {
		for x := range width {
			row[x+margin] = a[y*width+x] * b[y*width+x]
		}
		out := scratch[y*width:][:width]
		for x := range out {
			s := row[x : x+2*margin+1 : x+2*margin+1]
			out[x] = taps[0]*s[4] + taps[1]*(s[3]+s[5]) + taps[2]*(s[2]+s[6]) + taps[3]*(s[1]+s[7]) + taps[4]*(s[0]+s[8])
		}
	}
	zero := make([]float32, width)
	at := func(y int) []float32 {
		if y < 0 || y >= height {
			return zero
		}
		return scratch[y*width:][:width]
	}
	blur := make([]float32, width*height)
	for y := range height {
		out := blur[y*width:][:width]
		c := at(y)
		u1, u2, u3, u4 := at(y-1), at(y-2), at(y-3), at(y-4)
		d1, d2, d3, d4 := at(y+1), at(y+2), at(y+3), at(y+4)
		for x := range out {
			out[x] = taps[0]*c[x] + taps[1]*(u1[x]+d1[x]) + taps[2]*(u2[x]+d2[x]) + taps[3]*(u3[x]+d3[x]) + taps[4]*(u4[x]+d4[x])
		}
	}
	return blur
}

// view is the data of one image at one scale that a comparison needs.
type view struct {
	*planes
	mean    [3][]float32 // the bands, blurred
	squares [3][]float32 // their squares, blurred
}

// views makes the views of an image, largest first.
func views(p *planes) []view {
	ones := make([]float32, len(p.bands[0]))
	for i := range ones {
		ones[i] = 1
	}
	scratch := make([]float32, len(ones))
	var all []view
	for len(all) < scales && p.width >= smallest && p.height >= smallest {
		if len(all) > 0 {
			p = p.half()
		}
		v := view{planes: p.xyb()}
		for band, values := range v.bands {
			v.mean[band] = blurred(p.width, p.height, values, ones, scratch)
			v.squares[band] = blurred(p.width, p.height, values, values, scratch)
		}
		all = append(all, v)
	}
	return all
}

// score compares two images of the same size. It is at most 100.
func score(reference, distorted []view) float64 {
	scratch := make([]float32, len(reference[0].bands[0]))
	sum := 0.0
	for scale, a := range reference {
		b := distorted[scale]
		for band := range 3 {
			cross := blurred(a.width, a.height, a.bands[band], b.bands[band], scratch)
			for i, error := range differences(a, b, band, cross) {
				sum += weights[band][scale][i] * error
			}
		}
	}
	sum *= 0.9562382616834844
	sum = 2.326765642916932*sum - 0.020884521182843837*sum*sum + 6.248496625763138e-05*sum*sum*sum
	if sum <= 0 {
		return 100
	}
	return 100 - 10*math.Pow(sum, 0.6276336467831387)
}

// differences are the three errors of one band, structure, new and lost edges, each as
// the mean and then each as the 4-norm.
func differences(a, b view, band int, cross []float32) [6]float64 {
	var sums [6]float64
	add := func(kind int, error float64) {
		sums[kind] += error
		error *= error
		sums[kind+3] += error * error
	}
	for i, meanA := range a.mean[band] {
		meanB := b.mean[band][i]
		varA, varB := a.squares[band][i]-meanA*meanA, b.squares[band][i]-meanB*meanB
		similar := (1 - (meanA-meanB)*(meanA-meanB)) * (2*(cross[i]-meanA*meanB) + stability) / (varA + varB + stability)
		add(0, max(0, 1-float64(similar)))
		edgeA, edgeB := math.Abs(float64(a.bands[band][i]-meanA)), math.Abs(float64(b.bands[band][i]-meanB))
		if edges := (1+edgeB)/(1+edgeA) - 1; edges > 0 {
			add(1, edges)
		} else {
			add(2, -edges)
		}
	}
	n := float64(len(cross))
	for kind := range 3 {
		sums[kind] /= n
		sums[kind+3] = math.Sqrt(math.Sqrt(sums[kind+3] / n))
	}
	return sums
}
