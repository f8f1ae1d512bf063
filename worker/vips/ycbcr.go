package vips

import (
	stdimage "image"
	"runtime"
	"sync"
)

// transform turns the three numbers of a coded pixel into red, green and blue:
// what each of them adds to each band, in 1/65536 of a level.
type transform [3][256][3]int32

// newTransform follows ITU-T H.273 §8.3 for 8-bit planes. A matrix that is
// unspecified or can't be computed here counts as that of BT.601, like in
// libheif.
func newTransform(s signal) *transform {
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
	weights := [3][3]float64{ // of each plane in red, green and blue
		{1, 1, 1},
		{0, -2 * (1 - kb) * kb / kg, 2 * (1 - kb)},
		{2 * (1 - kr), -2 * (1 - kr) * kr / kg, 0},
	}
	zero := [3]float64{0, 128, 128}
	gain := [3]float64{1, 1, 1}
	if !s.full {
		zero[0] = 16
		gain = [3]float64{255. / 219, 255. / 224, 255. / 224}
	}
	switch s.matrix {
	case matrixIdentity: // the planes are green, blue and red
		weights = [3][3]float64{{0, 1, 0}, {0, 0, 1}, {1, 0, 0}}
		zero = [3]float64{zero[0], zero[0], zero[0]}
		gain = [3]float64{gain[0], gain[0], gain[0]}
	case matrixYCgCo:
		weights = [3][3]float64{{1, 1, 1}, {-1, 1, -1}, {1, 0, -1}}
	}
	var t transform
	for plane := range t {
		for value := range t[plane] {
			for band, weight := range weights[plane] {
				t[plane][value][band] = int32((float64(value) - zero[plane]) * gain[plane] * weight * (1 << 16))
			}
		}
	}
	return &t
}

// rgb converts planes to packed RGB, with as many goroutines as there are
// processors.
func (t *transform) rgb(planes *stdimage.YCbCr) []byte {
	width, height := planes.Rect.Dx(), planes.Rect.Dy()
	out := make([]byte, 3*width*height)
	workers := min(runtime.GOMAXPROCS(0), height)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			for y := worker * height / workers; y < (worker+1)*height/workers; y++ {
				t.row(out[3*width*y:3*width*(y+1)], planes, y)
			}
		})
	}
	all.Wait()
	return out
}

func (t *transform) row(out []byte, planes *stdimage.YCbCr, y int) {
	const half = 1 << 15
	shift := 1 // columns that share a chroma sample, as a power of two
	if planes.SubsampleRatio == stdimage.YCbCrSubsampleRatio444 {
		shift = 0
	}
	width := len(out) / 3
	luma := planes.Y[planes.YOffset(0, y):][:width]
	at := planes.COffset(0, y)
	cb, cr := planes.Cb[at:], planes.Cr[at:]
	for x, value := range luma {
		l, b, r := &t[0][value], &t[1][cb[x>>shift]], &t[2][cr[x>>shift]]
		pixel := out[3*x : 3*x+3 : 3*x+3]
		pixel[0] = level(l[0] + b[0] + r[0] + half)
		pixel[1] = level(l[1] + b[1] + r[1] + half)
		pixel[2] = level(l[2] + b[2] + r[2] + half)
	}
}

// level is the integer part of v, brought into the range of a byte.
func level(v int32) byte {
	if uint32(v) < 256<<16 {
		return byte(v >> 16)
	}
	if v < 0 {
		return 0
	}
	return 255
}

// grey stretches the one plane of a grey image to packed RGB.
func grey(plane *stdimage.Gray, s signal) []byte {
	neutral := newTransform(signal{matrix: matrixBT709, full: s.full})
	width, height := plane.Rect.Dx(), plane.Rect.Dy()
	out := make([]byte, 0, 3*width*height)
	for y := range height {
		for _, value := range plane.Pix[y*plane.Stride:][:width] {
			v := level(neutral[0][value][0] + 1<<15)
			out = append(out, v, v, v)
		}
	}
	return out
}
