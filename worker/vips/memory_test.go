//go:build !quick

package vips

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	stdimage "image"
	"image/color/palette"
	"image/gif"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
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

// renderAlone prints the estimate for a file, the most memory that this process ever
// had resident when the file is rendered, and a digest of the variants.
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
	photo, _ := mediatest.Presets().Find("photo")
	var digests []string
	for v, err := range info.Render(context.Background(), photo).Variants() {
		if err != nil {
			return err
		}
		digests = append(digests, fmt.Sprintf("%s%s %x", v.Name, v.Format.Extension(), sha256.Sum256(v.Bytes)))
	}
	slices.Sort(digests)
	peak, err := status("VmHWM")
	fmt.Println(info.Memory(photo), peak, fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(digests, "\n")))))
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

// inProcessOfItsOwn renders a file and returns what renderAlone prints.
func inProcessOfItsOwn(t testing.TB, file []byte, environment ...string) (estimate, peak int64, digest string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "original")
	if err := os.WriteFile(name, file, 0o600); err != nil {
		t.Fatal(err)
	}
	alone := exec.Command(os.Args[0])
	alone.Env = append(append(os.Environ(), renderVariable+"="+name), environment...)
	alone.Stderr = os.Stderr
	output, err := alone.Output()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(output), &estimate, &peak, &digest); err != nil {
		t.Fatal(err)
	}
	return estimate, peak, digest
}

// measure renders a file and returns the estimate of the memory for it, and the peak.
func measure(t testing.TB, file []byte) (estimate, peak int64) {
	t.Helper()
	estimate, peak, _ = inProcessOfItsOwn(t, file)
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

// stackedHEIC is the iPhone's photo of 12 megapixels several times below each other: a
// grid (ISO/IEC 23008-12 §6.6.2.3) of the same tiles over and over.
func stackedHEIC(t testing.TB, times int) []byte {
	t.Helper()
	const width, height, rows, columns, tiles = 4032, 3024, 6, 8, 48
	big := binary.BigEndian
	file := phototest.Read(t, "test.heic")
	replace := func(old, new []byte) {
		if bytes.Count(file, old) != 1 {
			t.Fatalf("%d times %q in the file", bytes.Count(file, old), old)
		}
		file = bytes.Replace(file, old, new, 1)
	}
	extent := func(height int) []byte {
		return big.AppendUint32(big.AppendUint32([]byte("ispe\x00\x00\x00\x00"), width), uint32(height))
	}
	grid := func(rows, height int) []byte {
		return big.AppendUint16(big.AppendUint16([]byte{'i', 'd', 'a', 't', 0, 0, byte(rows - 1), columns - 1}, width), uint16(height))
	}
	replace(extent(height), extent(times*height))
	replace(grid(rows, height), grid(times*rows, times*height))

	// A grid must not have the same item twice, but items may have the same bytes.
	shift := 0
	add := func(entries []byte, boxes ...string) { // to the end of the last box, which is within the others
		last := bytes.Index(file, []byte(boxes[len(boxes)-1])) - 4
		end := last + int(big.Uint32(file[last:]))
		for _, box := range boxes {
			size := file[bytes.Index(file, []byte(box))-4:]
			big.PutUint32(size, big.Uint32(size)+uint32(len(entries)))
		}
		file = slices.Concat(file[:end], entries, file[end:])
		shift += len(entries)
	}
	content := func(box string) []byte { return file[bytes.Index(file, []byte(box))+len(box):] }
	count := func(at []byte, more int) { big.PutUint16(at, big.Uint16(at)+uint16(more)) }
	const ( // bytes of an item in these boxes of this file
		infe, iloc, ipma = 21, 16, 6
		first            = 1000 // of the new items
	)
	for item := range tiles * (times - 1) {
		id := big.AppendUint16(nil, uint16(first+item))
		of := func(list []byte, size, number int) []byte { // the entry of the tile, under the new number
			entry := bytes.Clone(list[item%tiles*size:][:size])
			copy(entry[number:], id)
			return entry
		}
		add(of(content("iinf")[6:], infe, 12), "meta", "iinf")
		add(of(content("iloc")[8:], iloc, 0), "meta", "iloc")
		add(of(content("ipma")[8:], ipma, 0), "meta", "iprp", "ipma")
		add(id, "meta", "iref", "dimg")
		count(content("iinf")[4:], 1)
		count(content("iloc")[6:], 1)
		count(content("ipma")[6:], 1)
		count(content("dimg")[2:], 1)
	}
	locations := content("iloc")
	for at := range int(big.Uint16(locations[6:])) {
		if entry := locations[8+iloc*at:]; entry[3] == 0 { // counted from the start of the file
			big.PutUint32(entry[8:], big.Uint32(entry[8:])+uint32(shift))
		}
	}
	return file
}

// animatedGIF has frames of noise that no frame shares with the one before.
func animatedGIF(t testing.TB, size stdimage.Point, frames int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var g gif.GIF
	for range frames {
		frame := stdimage.NewPaletted(stdimage.Rectangle{Max: size}, palette.Plan9)
		for at := range frame.Pix {
			frame.Pix[at] = uint8(at/size.X/8) ^ uint8(random.Uint32()&3)
		}
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 4)
	}
	return encodeGIF(t, g)
}

// animatedWebP shows a photo twice.
func animatedWebP(t testing.TB, megapixels float64) []byte {
	still := original(t, megapixels, bimg.Options{Type: bimg.WEBP, StripMetadata: true})
	size, err := bimg.Size(still)
	if err != nil {
		t.Fatal(err)
	}
	header := slices.Concat(make([]byte, 6), uint24(size.Width-1), uint24(size.Height-1), uint24(100), []byte{0})
	frame := chunk{"ANMF", append(header, writeChunks(readChunks(t, still[12:])...)...)}
	return joinWebP(extended(flagAnimation, stdimage.Pt(size.Width, size.Height)), chunk{"ANIM", make([]byte, 6)}, frame, frame)
}

// BenchmarkMemory measures the peak of a whole process that renders one file with
// the preset photo, and what was estimated. Animations have 100 megapixels in all their frames.
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
		for _, megapixels := range []float64{24, 50, 100} {
			run(fmt.Sprintf("%s/%g", kind, megapixels), func() []byte { return original(b, megapixels, kinds()[kind]) })
		}
	}
	for _, times := range []int{1, 2, 4, 5} {
		run(fmt.Sprintf("HEIC/%d", 12*times), func() []byte { return stackedHEIC(b, times) })
	}
	run("GIF,300 frames/100", func() []byte { return animatedGIF(b, stdimage.Pt(660, 500), 300) })
	run("GIF,2 frames/100", func() []byte { return animatedGIF(b, stdimage.Pt(8160, 6120), 2) })
	run("WebP,2 frames/100", func() []byte { return animatedWebP(b, 50) })
}

// TestRenderingTakesNoMoreMemoryThanEstimated renders what takes much: whole
// images, many bytes a pixel, all in processes of their own.
func TestRenderingTakesNoMoreMemoryThanEstimated(t *testing.T) {
	files := map[string][]byte{
		"HEIC":              phototest.Read(t, "test.heic"),
		"16-bit with alpha": encodePNG(t, stdimage.NewNRGBA64(stdimage.Rect(0, 0, 4000, 1500))),
		"very wide":         encodePNG(t, stdimage.NewNRGBA64(stdimage.Rect(0, 0, 300_000, 12))),
		"many frames":       animatedGIF(t, stdimage.Pt(500, 400), 200),
		"WebP of 2 frames":  animatedWebP(t, 18),
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
