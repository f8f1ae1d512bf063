package vips

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	stdimage "image"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// renderVariable makes the test binary a program that renders the file it names
// with the preset photo, and prints what that took: see renderAlone.
const renderVariable = "PRESIZE_TEST_RENDER"

func TestMain(m *testing.M) {
	name := os.Getenv(renderVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	if err := renderAlone(name); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// renderAlone prints the estimate for a file, and the most memory that this
// process ever had resident when the file is rendered.
func renderAlone(name string) error {
	file, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(media.DefaultLimits().Memory / 4) // as the worker does
	info, err := Probe(file, media.Limits{Bytes: math.MaxInt64, Pixels: math.MaxInt64, Frames: math.MaxInt})
	if err != nil {
		return err
	}
	photo, _ := media.ShippedPresets().Find("photo")
	for _, err := range Render(context.Background(), file, info, photo).Variants() {
		if err != nil {
			return err
		}
	}
	peak, err := status("VmHWM")
	fmt.Println(info.Memory(photo), peak)
	return err
}

// status reads a figure of this process in bytes from /proc/self/status, proc(5).
func status(name string) (bytes int64, err error) {
	file, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if figure, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			_, err := fmt.Sscanf(figure, "%d kB", &bytes)
			return bytes << 10, err
		}
	}
	return 0, fmt.Errorf("no %s in /proc/self/status", name)
}

// measure renders a file in a process of its own.
func measure(t testing.TB, file []byte) (estimate, peak int64) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "original")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	alone := exec.Command(os.Args[0])
	alone.Env = append(os.Environ(), renderVariable+"="+name)
	alone.Stderr = os.Stderr
	output, err := alone.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(output), &estimate, &peak); err != nil {
		t.Fatal(err)
	}
	return estimate, peak
}

// original makes a file of 4:3 and so many megapixels.
func original(t testing.TB, megapixels float64, options bimg.Options) []byte {
	t.Helper()
	options.Height = int(math.Sqrt(megapixels * 1e6 * 3 / 4))
	options.Width, options.Force = options.Height*4/3, true
	file, err := bimg.Resize(phototest.Read(t, "test.jpg"), options)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// kinds are the ways to store an image that differ in what decoding takes.
func kinds() map[string]bimg.Options {
	return map[string]bimg.Options{
		"JPEG":             {Type: bimg.JPEG},
		"JPEG,progressive": {Type: bimg.JPEG, Interlace: true},
		"PNG":              {Type: bimg.PNG, Compression: 1},
		"PNG,interlaced":   {Type: bimg.PNG, Compression: 1, Interlace: true},
		"WebP":             {Type: bimg.WEBP},
		"GIF":              {Type: bimg.GIF},
		"TIFF":             {Type: bimg.TIFF},
		"AVIF":             {Type: bimg.AVIF, Speed: 9},
	}
}

// BenchmarkMemory measures the peak of a whole process that renders one file with
// the preset photo, and what was estimated.
func BenchmarkMemory(b *testing.B) {
	run := func(name string, file func() []byte) {
		b.Run(name, func(b *testing.B) {
			data := file()
			var estimate, peak int64
			for b.Loop() {
				var once int64
				estimate, once = measure(b, data)
				peak = max(peak, once)
			}
			b.ReportMetric(float64(peak)/1e6, "peak-MB")
			b.ReportMetric(float64(estimate)/1e6, "estimate-MB")
			b.ReportMetric(float64(len(data))/1e6, "file-MB")
			b.ReportMetric(0, "ns/op")
		})
	}
	for _, kind := range slices.Sorted(maps.Keys(kinds())) {
		for _, megapixels := range []float64{12, 24, 50, 100} {
			run(fmt.Sprintf("%s/%g", kind, megapixels), func() []byte { return original(b, megapixels, kinds()[kind]) })
		}
	}
	run("HEIC/12", func() []byte { return phototest.Read(b, "test.heic") })
}

// TestRenderingTakesNoMoreMemoryThanEstimated renders what takes much: whole
// images, many bytes a pixel, all in processes of their own.
func TestRenderingTakesNoMoreMemoryThanEstimated(t *testing.T) {
	files := map[string][]byte{
		"HEIC":              phototest.Read(t, "test.heic"),
		"16-bit with alpha": encodePNG(t, stdimage.NewNRGBA64(stdimage.Rect(0, 0, 4000, 1500))),
		"very wide":         encodePNG(t, stdimage.NewNRGBA64(stdimage.Rect(0, 0, 300_000, 12))),
		"very tall":         encodePNG(t, stdimage.NewGray(stdimage.Rect(0, 0, 320, 12_000))),
	}
	for _, kind := range []string{"WebP", "GIF", "TIFF", "AVIF"} {
		files[kind] = original(t, 6, kinds()[kind])
	}
	for _, kind := range []string{"JPEG,progressive", "PNG,interlaced"} {
		files["100 megapixels, "+kind] = original(t, 99.9, kinds()[kind])
	}
	const bound = 1_500_000_000
	for name, file := range files {
		estimate, peak := measure(t, file)
		t.Logf("%s: %d MB of %d MB estimated", name, peak/1e6, estimate/1e6)
		if peak > estimate || peak > bound {
			t.Errorf("%s: takes %d MB, estimated are %d MB", name, peak/1e6, estimate/1e6)
		}
	}
}

func TestWhatDoesNotFitTheMemoryIsRejected(t *testing.T) {
	file := phototest.Read(t, "test.heic")
	info, err := Probe(file, media.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	photo := preset(t, "photo")
	need := info.Memory(photo)
	for limit, fits := range map[int64]bool{0: true, need: true, need - 1: false} {
		err := info.Fit(photo, limit)
		var rejection *media.Rejection
		if fits && err != nil || !fits && (!errors.As(err, &rejection) || rejection.Code != media.TooManyPixels) {
			t.Errorf("%d of %d bytes: %v", limit, need, err)
		}
	}
}
