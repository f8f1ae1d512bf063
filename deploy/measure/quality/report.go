package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/presize/presize/internal/media"
)

// targets are the scores at which candidates are compared.
var targets = [...]float64{65, 70, 75}

// report writes three tables: the results of each setting, the bytes of each candidate at
// the same score, and the results of the shipped settings at each width.
func report(out io.Writer, shipped media.Presets, samples []sample) error {
	w := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintf(w, "%d samples.\n\n", len(samples))
	reportSettings(w, samples)
	fmt.Fprintln(w)
	reportTargets(w, samples)
	fmt.Fprintln(w)
	reportWidths(w, shipped, samples)
	return w.Flush()
}

func reportSettings(w io.Writer, samples []sample) {
	head(w, "encoder", "quality", "score", "worst", "best", "bits/pixel", "CPU ms/megapixel")
	for i, candidate := range candidates() {
		for j, quality := range candidate.qualities {
			of := func(figure func(point) float64) []float64 {
				return each(samples, func(s sample) float64 { return figure(s.points[i][j]) })
			}
			scores := of(func(p point) float64 { return p.score })
			row(w, candidate.String(), fmt.Sprint(quality),
				fmt.Sprintf("%.1f", mean(scores)),
				fmt.Sprintf("%.0f", slices.Min(scores)),
				fmt.Sprintf("%.0f", slices.Max(scores)),
				fmt.Sprintf("%.2f", mean(of(func(p point) float64 { return p.bits }))),
				fmt.Sprintf("%.0f", median(of(func(p point) float64 { return p.cpu }))))
		}
	}
}

func reportTargets(w io.Writer, samples []sample) {
	titles := []string{"at a score of"}
	for _, target := range targets {
		titles = append(titles, fmt.Sprint(target))
	}
	head(w, titles...)
	for i, candidate := range candidates() {
		cells := []string{candidate.String()}
		for _, target := range targets {
			quality, size, n := compare(samples, i, target)
			if 2*n < len(samples) {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, fmt.Sprintf("q%.0f, %+.0f %%", quality, 100*(size-1)))
		}
		row(w, cells...)
	}
}

func reportWidths(w io.Writer, shipped media.Presets, samples []sample) {
	head(w, "width", "encoder", "score", "bits/pixel")
	photo, _ := shipped.Find(media.DefaultPreset)
	byWidth := make(map[int][]sample)
	for _, s := range samples {
		byWidth[s.width] = append(byWidth[s.width], s)
	}
	for _, width := range slices.Sorted(maps.Keys(byWidth)) {
		for i, candidate := range candidates() {
			for j, quality := range candidate.qualities {
				encoder := candidate.Encoder
				encoder.Quality = quality
				if !slices.Contains(photo.Encoders, encoder) {
					continue
				}
				of := func(figure func(point) float64) float64 {
					return mean(each(byWidth[width], func(s sample) float64 { return figure(s.points[i][j]) }))
				}
				row(w, fmt.Sprint(width), fmt.Sprintf("%s, quality %d", candidate, quality),
					fmt.Sprintf("%.1f", of(func(p point) float64 { return p.score })),
					fmt.Sprintf("%.2f", of(func(p point) float64 { return p.bits })))
			}
		}
	}
}

// head and row write the lines of a Markdown table for a tabwriter.
func head(w io.Writer, titles ...string) {
	row(w, titles...)
	row(w, slices.Repeat([]string{"---"}, len(titles))...)
}

func row(w io.Writer, cells ...string) {
	fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| "))
}

// compare returns the mean quality at which a candidate reaches the target's score, and the
// geometric mean of its size there, relative to the first candidate. It uses the n samples
// in which both candidates have points above and below that score.
func compare(samples []sample, candidate int, target float64) (quality, size float64, n int) {
	for _, s := range samples {
		p, ok := at(s.points[candidate], target)
		first, found := at(s.points[0], target)
		if ok && found {
			quality += float64(p.quality)
			size += math.Log(p.bits / first.bits)
			n++
		}
	}
	return quality / float64(n), math.Exp(size / float64(n)), n
}

// at interpolates between the points above and below a score. It returns the quality and the
// logarithm of the bits.
func at(points []point, score float64) (point, bool) {
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if a.score <= score && score <= b.score {
			t := (score - a.score) / (b.score - a.score)
			return point{
				quality: a.quality + int(math.Round(t*float64(b.quality-a.quality))),
				score:   score,
				bits:    a.bits * math.Pow(b.bits/a.bits, t),
				cpu:     a.cpu + t*(b.cpu-a.cpu),
			}, true
		}
	}
	return point{}, false
}

func each(samples []sample, figure func(sample) float64) []float64 {
	var figures []float64
	for _, s := range samples {
		figures = append(figures, figure(s))
	}
	return figures
}

func mean(figures []float64) float64 {
	sum := 0.0
	for _, f := range figures {
		sum += f
	}
	return sum / float64(len(figures))
}

func median(figures []float64) float64 {
	slices.Sort(figures)
	return figures[len(figures)/2]
}
