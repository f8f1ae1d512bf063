package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"net/http"
)

// point is what must be seen at a place of the upright image.
type point struct {
	x, y float64    // as fractions of width and height
	rgba [4]float64 // straight, 0 to 255
}

// UnmarshalJSON reads [x, y, [r, g, b]] or [x, y, [r, g, b, a]].
func (p *point) UnmarshalJSON(b []byte) error {
	bands := []float64{0, 0, 0, 255}
	if err := json.Unmarshal(b, &[]any{&p.x, &p.y, &bands}); err != nil {
		return err
	}
	if len(bands) == 3 {
		bands = append(bands, 255)
	}
	p.rgba = [4]float64(bands)
	return nil
}

// onWhite is the point's color in a JPEG of the preset photo, which has a white background.
func (p point) onWhite() (rgb [3]float64) {
	for band := range rgb {
		rgb[band] = 255 + (p.rgba[band]-255)*p.rgba[3]/255
	}
	return rgb
}

// checkPoints compares the points with those of a JPEG variant.
func checkPoints(url string, e expectation) error {
	response, err := http.Get(url)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	variant, err := jpeg.Decode(response.Body)
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	var worst float64
	var report error
	for _, p := range e.Points {
		got, want := colorAt(variant, p.x, p.y), p.onWhite()
		for band := range want {
			if off := math.Abs(got[band] - want[band]); off > worst {
				worst = off
				report = fmt.Errorf("at %.2f,%.2f it is %.0f, want %.0f: %.0f levels off", p.x, p.y, got, want, off)
			}
		}
	}
	if worst <= float64(e.Tol) {
		return nil
	}
	return report
}

func colorAt(img image.Image, x, y float64) [3]float64 {
	size := img.Bounds().Size()
	r, g, b, _ := img.At(min(int(x*float64(size.X)), size.X-1), min(int(y*float64(size.Y)), size.Y-1)).RGBA()
	return [3]float64{float64(r) / 257, float64(g) / 257, float64(b) / 257}
}
