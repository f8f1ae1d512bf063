package vips

import (
	"bytes"
	stdimage "image"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func readTiles(t testing.TB, file []byte) tiling {
	t.Helper()
	found, ok := readTiling(file)
	if !ok {
		t.Fatal("no tiles")
	}
	return found
}

// TestTilesMakeTheWholeImage compares them with what libheif makes of the same grid, apart
// from the first few samples, which the decoder breaks.
func TestTilesMakeTheWholeImage(t *testing.T) {
	file := phototest.Read(t, "test.heic") // 8 x 6 tiles of 512 x 512, cut to 4032 x 3024, irot 3
	tiles := readTiles(t, file)
	if tiles.extent != (media.Extent{Width: 4032, Height: 3024}) || tiles.orientation != 6 || len(tiles.tiles) != 48 {
		t.Fatalf("%v, orientation %d, %d tiles", tiles.extent, tiles.orientation, len(tiles.tiles))
	}
	got, err := decodeTiles(file, tiles)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := decodeSandboxed(file)
	if err != nil {
		t.Fatal(err)
	}
	whole := decoded.(*stdimage.YCbCr) // turned clockwise
	luma, chroma := 0, 0
	for y := range 3024 {
		for x := range 4032 {
			c, w := got.YCbCrAt(x, y), whole.YCbCrAt(3023-y, x)
			if c.Y != w.Y {
				luma++
			}
			if math.Abs(float64(c.Cb)-float64(w.Cb)) > 1 || math.Abs(float64(c.Cr)-float64(w.Cr)) > 1 {
				chroma++
			}
		}
	}
	if broken := 24 * (len(tiles.tiles) + 1); luma > broken || chroma > 0 {
		t.Errorf("%d samples of luma and %d of chroma differ", luma, chroma)
	}
}

func TestGridsAreTurnedAsTheContainerSays(t *testing.T) {
	file := phototest.Read(t, "test.heic")
	turn := bytes.Index(file, []byte("irot")) + 4
	render := func(angle byte) [][3]float64 {
		turned := slices.Clone(file)
		turned[turn] = angle
		info, err := Probe(turned, media.DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := decode(turned, info.Format, media.Extent{Width: info.Upright.Width / 8, Height: info.Upright.Height / 8})
		if err != nil {
			t.Fatal(err)
		}
		defer decoded.free()
		var upright stdimage.Image = toGo(decoded)
		for range angle { // each is a quarter anti-clockwise
			upright = rotated{upright}
		}
		return grid(upright, 12)
	}
	want := render(0)
	for angle := byte(1); angle < 4; angle++ {
		if d := distance(want, render(angle)); d > 0.5 {
			t.Errorf("angle %d: off by %.2f levels", angle, d)
		}
	}
}

// TestTilesHaveTheColorsTheyDeclare makes grids of what is none: a tile's own file is one.
func TestTilesHaveTheColorsTheyDeclare(t *testing.T) {
	for _, name := range []string{"601-full.heic", "601-limited.heic", "709-limited.heic", "2020-limited.heic", "10bit.heic"} {
		file := readHEIF(t, name)
		meta := inner(file, "meta")[4:]
		alone := tiling{tile: media.Extent{Width: 256, Height: 192}, tiles: []tile{{data: itemPlaces(file, meta)[primaryItem(meta)]}}}
		for kind, property := range properties(meta, primaryItem(meta)) {
			if kind == "hvcC" {
				alone.tiles[0].configuration = property
			}
		}
		wrapped := alone.file(0)
		if tiles := readTiles(t, wrapped); tiles.extent != alone.tile || tiles.orientation != 1 || len(tiles.tiles) != 1 {
			t.Errorf("%s: %v, orientation %d, %d tiles", name, tiles.extent, tiles.orientation, len(tiles.tiles))
		}
		if off := worst(t, chartImage(), decodeWhole(t, wrapped)); off > tolerance {
			t.Errorf("%s: off by %v levels", name, off)
		}
	}
}

func TestWhatIsNotQuiteAGridIsLeftToLibheif(t *testing.T) {
	file := phototest.Read(t, "test.heic")
	replaced := func(old, new string) []byte {
		if bytes.Count(file, []byte(old)) == 0 {
			t.Fatalf("no %q in the file", old)
		}
		return bytes.Replace(file, []byte(old), []byte(new), 1)
	}
	narrow := readTiles(t, file)
	narrow.tile.Width = narrowest - 2
	for name, changed := range map[string][]byte{
		"narrow tiles":        narrow.file(0),
		"no image":            []byte("nothing"),
		"no grid":             readHEIF(t, "601-full.heic"),
		"mirrored":            replaced("irot\x03", "imir\x01"),
		"cropped":             replaced("irot\x03", "clap\x03"),
		"an overlay":          replaced("grid", "iovl"),
		"a row too many":      replaced("idat\x00\x00\x05\x07", "idat\x00\x00\x06\x07"),
		"wider than tiles":    replaced("idat\x00\x00\x05\x07\x0f\xc0", "idat\x00\x00\x05\x07\x1f\xc0"),
		"a column unneeded":   replaced("idat\x00\x00\x05\x07\x0f\xc0", "idat\x00\x00\x05\x07\x01\xc0"),
		"tiles of grey":       replaced("\xf0\x00\xfc\xfd", "\xf0\x00\xfc\xfc"),
		"tiles of 4:4:4":      replaced("\xf0\x00\xfc\xfd", "\xf0\x00\xfc\xff"),
		"tiles of no extent":  replaced("ispe\x00\x00\x00\x00\x00\x00\x02\x00", "ispe\x00\x00\x00\x00\x00\x00\x00\x00"),
		"another codec":       replaced("hvc1", "av01"),
		"data beyond the end": file[:len(file)/2],
	} {
		if _, ok := readTiling(changed); ok {
			t.Errorf("%s: taken for a grid", name)
		}
	}
}

func TestGridOfAnotherSizeThanTheHeaderSaysIsBroken(t *testing.T) {
	file := phototest.Read(t, "test.heic")
	tiles := readTiles(t, file)
	tiles.extent.Width -= 2
	if _, err := decodeTiles(file, tiles); err == nil {
		t.Error("decoded all the same")
	}
}

func FuzzTiling(f *testing.F) {
	files, err := filepath.Glob("testdata/heif/*.heic")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		f.Add(readHEIF(f, filepath.Base(name)))
	}
	photo := phototest.Read(f, "test.heic")
	tiles := readTiles(f, photo)
	f.Add(tiles.file(0))
	f.Add(bytes.Replace(photo[:8192], []byte("\x44\x00\x00\x33"), []byte("\x00\x00\x00\x33"), 1)) // no tile has data
	f.Fuzz(func(t *testing.T, file []byte) {
		found, ok := readTiling(file)
		if !ok {
			return
		}
		for n := range found.tiles {
			column, row := found.at(n)
			if column*found.tile.Width >= found.extent.Width || row*found.tile.Height >= found.extent.Height {
				t.Fatalf("tile %d is beyond %v", n, found.extent)
			}
			if again, ok := readTiling(found.file(n)); !ok || !bytes.Equal(again.tiles[0].data, found.tiles[n].data) {
				t.Fatalf("tile %d is lost in its own file", n)
			}
		}
	})
}
