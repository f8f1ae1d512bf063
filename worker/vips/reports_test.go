package vips

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

// expectation is what must become of a file: an entry of expected.json, in the form that
// deploy/measure/cases reads too.
type expectation struct {
	File    string               `json:"file"`
	Outcome string               `json:"outcome"` // ready, or rejected:code; several with | between
	Size    [2]int               `json:"size"`    // of the widest variant
	Points  [][3]json.RawMessage `json:"points"`  // places in fractions of width and height, and their RGB or RGBA
	Tol     float64              `json:"tol"`     // in levels
}

// TestFilesOfBugReportsComeOutRight runs the files of testdata/cases, which are after bug
// reports of upload services. PRESIZE_CASES names another folder of the same form.
func TestFilesOfBugReportsComeOutRight(t *testing.T) {
	dir := "testdata/cases"
	if other, ok := os.LookupEnv("PRESIZE_CASES"); ok {
		dir = other
	}
	index, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []expectation
	if err := json.Unmarshal(index, &all); err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		t.Run(e.File, func(t *testing.T) {
			file, err := os.ReadFile(filepath.Join(dir, e.File))
			if err != nil {
				t.Fatal(err)
			}
			e.check(t, file)
		})
	}
}

func (e expectation) check(t *testing.T, file []byte) {
	large := preset(t, "photo")
	large.Sizes = large.Sizes[len(large.Sizes)-1:]
	large.Encoders = []media.Encoder{{Format: media.WebP, Quality: 100}}
	variants, _, err := render(file, large)
	outcome := "ready"
	var rejection *media.Rejection
	if errors.As(err, &rejection) {
		outcome = "rejected:" + string(rejection.Code)
	} else if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Split(e.Outcome, "|"), outcome) {
		t.Fatalf("%s, want %s (%v)", outcome, e.Outcome, err)
	}
	if outcome != "ready" {
		return
	}
	got := decodeAny(t, variants[0].Bytes)
	if size := [2]int{got.Rect.Dx(), got.Rect.Dy()}; size != e.Size && e.Size != [2]int{} {
		t.Fatalf("%v, want %v", size, e.Size)
	}
	for _, point := range e.Points {
		var x, y float64
		want := []float64{0, 0, 0, 255}
		for i, to := range []any{&x, &y, &want} {
			if err := json.Unmarshal(point[i], to); err != nil {
				t.Fatal(err)
			}
		}
		want = append(want, 255)[:4]
		size := got.Rect.Size()
		c := got.NRGBAAt(min(int(x*float64(size.X)), size.X-1), min(int(y*float64(size.Y)), size.Y-1))
		for band, level := range []uint8{c.R, c.G, c.B, c.A} {
			if off := math.Abs(float64(level) - want[band]); off > e.Tol && (want[3] > 0 || band == 3) {
				t.Errorf("at %.2f,%.2f it is %v, want %v", x, y, c, want)
				break
			}
		}
	}
}
