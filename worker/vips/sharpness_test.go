package vips

import (
	stdimage "image"
	"image/color"
	"math"
)

// plane is one band of an image, row by row.
type plane struct {
	width, height int
	values        []float64
}

func lanczos3(x float64) float64 {
	if x == 0 {
		return 1
	}
	if math.Abs(x) >= 3 {
		return 0
	}
	x *= math.Pi
	return 3 * math.Sin(x) * math.Sin(x/3) / (x * x)
}

// reduced is a plane scaled in x with the Lanczos kernel of three lobes, and
// transposed: called twice it scales both edges.
func (p plane) reduced(width int) plane {
	out := plane{p.height, width, make([]float64, width*p.height)}
	scale := float64(p.width) / float64(width)
	for x := range width {
		center := (float64(x)+0.5)*scale - 0.5
		first, last := int(math.Ceil(center-3*scale)), int(math.Floor(center+3*scale))
		weights, sum := make([]float64, last-first+1), 0.0
		for i := range weights {
			weights[i] = lanczos3((float64(first+i) - center) / scale)
			sum += weights[i]
		}
		for y := range p.height {
			value := 0.0
			for i, weight := range weights {
				value += weight * p.values[y*p.width+min(max(first+i, 0), p.width-1)]
			}
			out.values[x*p.height+y] = min(max(value/sum, 0), 255)
		}
	}
	return out
}

// greenPlane is the band that carries most of what the eye takes for sharpness.
func greenPlane(img *stdimage.NRGBA) plane {
	p := plane{img.Rect.Dx(), img.Rect.Dy(), nil}
	for at := 1; at < len(img.Pix); at += 4 {
		p.values = append(p.values, float64(img.Pix[at]))
	}
	return p
}

// detail is the mean step between neighbors: less of it is a softer image.
func (p plane) detail() float64 {
	sum := 0.0
	for y := range p.height {
		for x := 1; x < p.width; x++ {
			sum += math.Abs(p.values[y*p.width+x] - p.values[y*p.width+x-1])
		}
	}
	return sum / float64(p.height*(p.width-1))
}

func (p plane) differences(q plane) (mean, worst float64) {
	for i, v := range p.values {
		d := math.Abs(v - q.values[i])
		mean += d / float64(len(p.values))
		worst = max(worst, d)
	}
	return mean, worst
}

// zonePlate has every frequency up to the limit in every direction.
func zonePlate(width, height int) *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			dx, dy := float64(x-width/2), float64(y-height/2)
			v := uint8(math.Round(127.5 + 127.5*math.Cos((dx*dx+dy*dy)*math.Pi/float64(2*width))))
			img.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	return img
}
