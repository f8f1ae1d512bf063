package vips

import (
	"bytes"
	"encoding/binary"
	"errors"
	stdimage "image"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/presize/presize/internal/media"
)

// casesChart is what the pictures in testdata/cases show: 6 patches in each of 4 rows.
var casesChart = [24]color.NRGBA{
	{200, 40, 40, 255}, {40, 160, 60, 255}, {50, 60, 190, 255}, {230, 200, 60, 255}, {170, 60, 170, 255}, {60, 180, 180, 255},
	{128, 128, 128, 255}, {20, 20, 20, 255}, {240, 240, 240, 255}, {220, 170, 140, 255}, {90, 120, 60, 255}, {140, 90, 50, 255},
	{250, 140, 30, 255}, {30, 90, 140, 255}, {180, 220, 120, 255}, {100, 40, 90, 255}, {64, 64, 64, 255}, {192, 192, 192, 255},
	{70, 130, 200, 255}, {200, 110, 110, 255}, {110, 180, 110, 255}, {110, 110, 180, 255}, {235, 220, 210, 255}, {15, 60, 30, 255},
}

// greys is the chart in black and white.
func greys() (greys [24]color.NRGBA) {
	for i, c := range casesChart {
		luma := uint8(math.Round(0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)))
		greys[i] = color.NRGBA{luma, luma, luma, 255}
	}
	return greys
}

// transparent is the chart with a first patch that is not to be seen, and a second one of some alpha.
func transparent(second uint8) [24]color.NRGBA {
	chart := casesChart
	chart[0], chart[1].A = color.NRGBA{}, second
	return chart
}

func TestCasesLookAsViewersShowThem(t *testing.T) {
	type look struct {
		chart     [24]color.NRGBA
		size      stdimage.Point
		tolerance float64 // in levels: what the encoder and the subsampling of chroma change
	}
	usual := look{casesChart, stdimage.Pt(480, 320), 14}
	grey := look{greys(), usual.size, 14}
	looks := map[string]look{
		"alpha-auxiliary.heic":            {transparent(255), usual.size, 14},
		"alpha-premultiplied.avif":        {transparent(128), usual.size, 14},
		"irot-1-alpha.avif":               {transparent(128), usual.size, 14},
		"monochrome.avif":                 grey,
		"monochrome-limited-range.avif":   grey,
		"grey-no-profile.heic":            {greys(), usual.size, 20},
		"odd-479x319.avif":                {casesChart, stdimage.Pt(479, 319), 14},
		"100x100.heic":                    {size: stdimage.Pt(100, 100)},
		"monochrome-grey-icc.avif":        {size: usual.size},
		"grid-65-tiles.heic":              {casesChart, stdimage.Pt(1664, 640), 14},
		"bt2020-sdr-nclx-9-13-9.avif":     {casesChart, usual.size, 18},
		"linear-transfer-8.avif":          {casesChart, usual.size, 20},
		"pq-bt2020-10-bit.avif":           {casesChart, usual.size, 30},
		"hlg-bt2020-10-bit-422.heic":      {casesChart, usual.size, 55},
		"jpeg-coded-item.heif":            usual,
		"av01-item-under-heic-brand.avif": usual,
		"hvc1-item-under-avif-brand.avif": usual,
	}
	files, err := filepath.Glob("testdata/cases/*.[ah][ev]i[cf]")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			want, found := looks[filepath.Base(name)]
			if !found {
				want = usual
			}
			file, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := decodeWhole(t, file)
			if got.Rect.Size() != want.size {
				t.Fatalf("%v, want %v", got.Rect.Size(), want.size)
			}
			if want.tolerance == 0 {
				return // any look will do
			}
			for i, c := range want.chart {
				x, y := (2*(i%6)+1)*want.size.X/12, (2*(i/6)+1)*want.size.Y/8
				if off := difference(c, got.NRGBAAt(x, y)); off > want.tolerance {
					t.Errorf("at %d, %d: %v, want %v", x, y, got.NRGBAAt(x, y), c)
				}
			}
		})
	}
}

// difference is the largest in any band. A colour that is not to be seen may be any.
func difference(want, got color.NRGBA) float64 {
	off := math.Abs(float64(want.A) - float64(got.A))
	if want.A == 0 {
		return off
	}
	for _, pair := range [][2]uint8{{want.R, got.R}, {want.G, got.G}, {want.B, got.B}} {
		off = max(off, math.Abs(float64(pair[0])-float64(pair[1])))
	}
	return off
}

// TestGridWithAHoleIsRejected takes the bytes of tiles away: they are missing at the end, or zeros.
func TestGridWithAHoleIsRejected(t *testing.T) {
	file, err := os.ReadFile("testdata/cases/grid-65-tiles.heic")
	if err != nil {
		t.Fatal(err)
	}
	hole := append([]byte(nil), file...)
	clear(hole[len(hole)*3/4 : len(hole)*3/4+400])
	for name, test := range map[string]struct {
		file []byte
		code media.Code
	}{
		"cut off": {file[:len(file)-200], media.Truncated},
		"zeros":   {hole, media.Corrupt},
	} {
		var rejection *media.Rejection
		if _, _, err := render(test.file, preset(t, "avatar")); !errors.As(err, &rejection) || rejection.Code != test.code {
			t.Errorf("%s: got %v, want %s", name, err, test.code)
		}
	}
}

// TestUncommonJPEGInHEIFIsUnsupported puts JPEGs into a HEIF that are not damaged.
func TestUncommonJPEGInHEIFIsUnsupported(t *testing.T) {
	heif, err := os.ReadFile("testdata/cases/jpeg-coded-item.heif")
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Index(heif, []byte("mdat")) + 4
	size := binary.BigEndian.AppendUint32(nil, uint32(len(heif)-data)) // as iloc has it
	cmyk, _ := cmykChart(t)
	frame := bytes.Index(heif, []byte{0xff, 0xc0})
	changed := func(at int, to byte) []byte {
		jpeg := bytes.Clone(heif[data:])
		jpeg[at-data] = to
		return jpeg
	}
	for name, test := range map[string]struct {
		jpeg []byte
		code media.Code
	}{
		"CMYK":       {cmyk, media.UnsupportedType},
		"12 bits":    {changed(frame+4, 12), media.UnsupportedType},
		"lossless":   {changed(frame+1, 0xc3), media.UnsupportedType},
		"arithmetic": {changed(frame+1, 0xc9), media.UnsupportedType},
		"no JPEG":    {changed(data, 0), media.Corrupt},
	} {
		file := bytes.Replace(heif[:data-4], size, binary.BigEndian.AppendUint32(nil, uint32(len(test.jpeg))), 1)
		file = append(append(file, "mdat"...), test.jpeg...)
		binary.BigEndian.PutUint32(file[data-8:], uint32(8+len(test.jpeg)))
		var rejection *media.Rejection
		if _, _, err := render(file, preset(t, "avatar")); !errors.As(err, &rejection) || rejection.Code != test.code {
			t.Errorf("%s: got %v, want %s", name, err, test.code)
		}
	}
}
