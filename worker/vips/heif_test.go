package vips

import (
	"bytes"
	"errors"
	stdimage "image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

// chart is what the pictures in testdata/heif show, row by row.
var chart = [12]color.NRGBA{
	{200, 40, 40, 255}, {40, 180, 60, 255}, {50, 60, 200, 255}, {230, 200, 60, 255},
	{180, 60, 180, 255}, {60, 190, 190, 255}, {128, 128, 128, 255}, {20, 20, 20, 255},
	{240, 240, 240, 255}, {220, 170, 140, 255}, {90, 120, 60, 255}, {140, 90, 50, 255},
}

// chartImage draws the chart.
func chartImage() *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, 256, 192))
	for y := range 192 {
		for x := range 256 {
			img.SetNRGBA(x, y, chart[y/64*4+x/64])
		}
	}
	return img
}

func readHEIF(t testing.TB, name string) []byte {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", "heif", name))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// decodeWhole decodes a file at its full size, as the render does.
func decodeWhole(t testing.TB, file []byte) *stdimage.NRGBA {
	t.Helper()
	info, err := Probe(file, media.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := decode(file, info.Format, info.Upright)
	if err != nil {
		t.Fatal(err)
	}
	defer decoded.free()
	return toGo(decoded)
}

func toGo(decoded *image) *stdimage.NRGBA {
	img := stdimage.NewNRGBA(stdimage.Rect(0, 0, decoded.Width, decoded.Height))
	pixels := decoded.pixels()
	for at, to := 0, 0; to < len(img.Pix); at, to = at+decoded.bands, to+4 {
		img.Pix[to+3] = 255
		copy(img.Pix[to:to+4], pixels[at:at+decoded.bands])
	}
	return img
}

// worst is the largest difference of two pictures of the chart in any band: at the
// patches' middles, and in the outermost corners.
func worst(t testing.TB, want, got stdimage.Image) float64 {
	t.Helper()
	size := want.Bounds().Size()
	if got.Bounds().Size() != size {
		t.Fatalf("got %v, want %v", got.Bounds().Size(), size)
	}
	largest := 0.0
	compare := func(x, y int) {
		a, b := color.NRGBAModel.Convert(want.At(x, y)).(color.NRGBA), color.NRGBAModel.Convert(got.At(x, y)).(color.NRGBA)
		for _, pair := range [][2]uint8{{a.R, b.R}, {a.G, b.G}, {a.B, b.B}} {
			largest = max(largest, math.Abs(float64(pair[0])-float64(pair[1])))
		}
	}
	for y := 32; y < size.Y; y += 64 {
		for x := 32; x < size.X; x += 64 {
			compare(x, y)
		}
	}
	compare(0, 0)
	compare(size.X-1, 0)
	compare(0, size.Y-1)
	compare(size.X-1, size.Y-1)
	return largest
}

// tolerance is what chroma subsampling, limited range and the encoder may change.
const tolerance = 4.0

func TestHEICHasTheColorsItsContainerDeclares(t *testing.T) {
	sRGB, grey := chartImage(), stdimage.NewGray(chartImage().Rect)
	for y := range 192 {
		for x := range 256 {
			grey.Set(x, y, sRGB.At(x, y))
		}
	}
	for name, want := range map[string]stdimage.Image{
		"601-full.heic": sRGB, "601-limited.heic": sRGB, "709-full.heic": sRGB, "709-limited.heic": sRGB,
		"2020-limited.heic": sRGB, "10bit.heic": sRGB, "444.heic": sRGB, "422.heic": sRGB, "alpha.heic": sRGB,
		"grey.heic": grey, "p3.heic": displayP3{sRGB},
	} {
		file := readHEIF(t, name)
		if off := worst(t, want, decodeWhole(t, file)); off > tolerance {
			t.Errorf("%s: off by %v levels", name, off)
		}
		bare := bytes.ReplaceAll(file, []byte("colrnclx"), []byte("freenclx"))
		if bytes.Equal(file, bare) {
			t.Fatalf("%s: no nclx", name)
		}
		if off := worst(t, want, decodeWhole(t, bare)); off > tolerance {
			t.Errorf("%s, color only in the HEVC parameter set: off by %v levels", name, off)
		}
	}
}

func TestHEICHasItsRangeWhereNoColorIsSpecified(t *testing.T) {
	for _, name := range []string{"full-unspecified.heic", "grey-full-unspecified.heic"} {
		got := decodeWhole(t, readHEIF(t, name))
		for patch, place := range map[color.NRGBA]stdimage.Point{chart[7]: {X: 224, Y: 96}, chart[8]: {X: 32, Y: 160}} {
			if off := math.Abs(float64(got.NRGBAAt(place.X, place.Y).G) - float64(patch.G)); off > tolerance {
				t.Errorf("%s at %v: off by %v levels", name, place, off)
			}
		}
	}
}

func TestAVIFInDisplayP3WithoutProfileComesOutAsSRGB(t *testing.T) {
	file := readHEIF(t, "turned-6.avif")
	if off := worst(t, rotated{chartImage()}, decodeWhole(t, file)); off > tolerance {
		t.Errorf("sRGB: off by %v levels", off)
	}
	p3 := bytes.Replace(file, []byte("nclx\x00\x01"), []byte("nclx\x00\x0c"), 1)
	if off := worst(t, rotated{displayP3{chartImage()}}, decodeWhole(t, p3)); off > tolerance {
		t.Errorf("Display P3: off by %v levels", off)
	}
}

// mirrored is an image with left and right exchanged.
type mirrored struct{ stdimage.Image }

func (m mirrored) At(x, y int) color.Color { return m.Image.At(m.Bounds().Dx()-1-x, y) }

func TestContainersTurnIsAppliedOnce(t *testing.T) {
	heic := readHEIF(t, "rotated.heic")
	for name, test := range map[string]struct {
		file []byte
		want stdimage.Image
	}{
		"irot and EXIF": {heic, rotated{chartImage()}},
		// ISO/IEC 23008-12:2022 §6.5.12: axis 1 exchanges left and right.
		"imir and EXIF":       {bytes.Replace(heic, []byte("irot\x03"), []byte("imir\x01"), 1), mirrored{chartImage()}},
		"AVIF with irot":      {readHEIF(t, "turned-6.avif"), rotated{chartImage()}},
		"AVIF, irot and imir": {readHEIF(t, "turned-5.avif"), mirrored{rotated{chartImage()}}},
	} {
		if off := worst(t, test.want, decodeWhole(t, test.file)); off > tolerance {
			t.Errorf("%s: off by %v levels", name, off)
		}
	}
}

func TestHEICThatDecodesToAnotherSizeIsRejected(t *testing.T) {
	file := readHEIF(t, "601-full.heic")
	for name, extent := range map[string]string{
		"smaller":    "ispe\x00\x00\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x80",
		"too narrow": "ispe\x00\x00\x00\x00\x00\x00\x00\x40\x00\x00\x00\xc0",
	} {
		lying := bytes.Replace(file, []byte("ispe\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\xc0"), []byte(extent), 1)
		if bytes.Equal(lying, file) {
			t.Fatal("the file has another extent")
		}
		var rejection *media.Rejection
		if _, _, err := render(lying, preset(t, "avatar")); !errors.As(err, &rejection) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestHEICWithoutPixelsIsRejectedByItsHeader(t *testing.T) {
	file := readHEIF(t, "601-full.heic")
	for name, width := range map[string]string{"without columns": "\x00\x00\x00\x00", "negative": "\xff\xff\xff\x00"} {
		const before = "ispe\x00\x00\x00\x00"
		lying := bytes.Replace(file, []byte(before+"\x00\x00\x01\x00\x00\x00\x00\xc0"), []byte(before+width+"\x00\x00\x00\xc0"), 1)
		var rejection *media.Rejection
		if _, err := Probe(lying, media.DefaultLimits()); !errors.As(err, &rejection) || rejection.Code != media.Corrupt {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMatrixFollowsH273(t *testing.T) {
	for name, test := range map[string]struct {
		signal signal
		bits   int
		planes [3]float64
		want   [3]float64
	}{
		"white, full":       {signal{matrix: 6, full: true}, 8, [3]float64{255, 128, 128}, [3]float64{255, 255, 255}},
		"white, limited":    {signal{matrix: 6}, 8, [3]float64{235, 128, 128}, [3]float64{255, 255, 255}},
		"black, limited":    {signal{matrix: 9}, 8, [3]float64{16, 128, 128}, [3]float64{0, 0, 0}},
		"beyond white":      {signal{matrix: 1}, 8, [3]float64{255, 128, 128}, [3]float64{278.3, 278.3, 278.3}},
		"white, 10 bits":    {signal{matrix: 9}, 10, [3]float64{940, 512, 512}, [3]float64{255, 255, 255}},
		"white, 12 bits":    {signal{matrix: 9, full: true}, 12, [3]float64{4095, 2048, 2048}, [3]float64{255, 255, 255}},
		"red, BT.601":       {signal{matrix: 5, full: true}, 8, [3]float64{76, 85, 255}, [3]float64{254.1, 0.1, -0.2}},
		"red, BT.709":       {signal{matrix: 1}, 8, [3]float64{63, 102, 240}, [3]float64{255.5, 0.6, -0.2}},
		"identity":          {signal{matrix: matrixIdentity, full: true}, 8, [3]float64{20, 30, 10}, [3]float64{10, 20, 30}},
		"identity, limited": {signal{matrix: matrixIdentity}, 8, [3]float64{235, 16, 126}, [3]float64{128.1, 255, 0}},
		"YCgCo":             {signal{matrix: matrixYCgCo, full: true}, 8, [3]float64{100, 138, 148}, [3]float64{110, 110, 70}},
		"RGB":               {signal{matrix: matrixRGB, full: true}, 8, [3]float64{10, 20, 30}, [3]float64{10, 20, 30}},
	} {
		for row, m := range test.signal.planeMatrix(test.bits, 255) {
			got := m[0]*test.planes[0] + m[1]*test.planes[1] + m[2]*test.planes[2] + m[3]
			if math.Abs(got-test.want[row]) > 0.1 {
				t.Errorf("%s, band %d: got %.2f, want %v", name, row, got, test.want[row])
			}
		}
	}
}

// libde265 takes the end of a slice for the end of the image, without a warning.
func TestHEICWhoseSliceEndsEarlyIsDamaged(t *testing.T) {
	file := readHEIF(t, "2020-limited.heic")
	file[len(file)-119] ^= 1 << 5 // from there on other codes are read, one of which is the end
	_, _, err := render(file, preset(t, "avatar"))
	var rejection *media.Rejection
	if !errors.As(err, &rejection) || rejection.Code != media.Corrupt || !strings.Contains(rejection.Cause, "a part of the image is missing") {
		t.Errorf("got %v", err)
	}
}
