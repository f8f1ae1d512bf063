package renderer_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color/palette"
	stdgif "image/gif"
	"image/jpeg"
	stdpng "image/png"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/worker/renderer"
)

// seed is a file to be damaged.
type seed struct {
	name  string
	file  []byte
	whole *image.YCbCr // as it looks
}

// makeSeeds returns files of all formats: small ones, and those of the flag.
func makeSeeds(t *testing.T, r *renderer.Renderer) map[media.Format][]seed {
	t.Helper()
	seeds := make(map[media.Format][]seed)
	add := func(name string, file []byte, variants []renderer.Variant) {
		format, _ := media.Sniff(file)
		seeds[format] = append(seeds[format], seed{name, file, look(t, variants)})
	}
	drawn := image.NewPaletted(image.Rect(0, 0, 48, 40), palette.Plan9)
	for i := range drawn.Pix {
		drawn.Pix[i] = byte(i * i / 7)
	}
	var png, gif bytes.Buffer
	err := stdgif.EncodeAll(&gif, &stdgif.GIF{Image: []*image.Paletted{drawn, drawn}, Delay: []int{5, 5}})
	if err := errors.Join(err, stdpng.Encode(&png, drawn)); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"png": png.Bytes(), "gif": gif.Bytes(), "test_exif.jpg": phototest.Read(t, "test_exif.jpg")}
	for _, path := range []string{"pages.tif", "cmyk.jpg", "heif/10bit.heic", "heif/709-full.heic", "heif/rotated.heic", "heif/turned-5.avif"} {
		if files[path], err = os.ReadFile(filepath.Join("../vips/testdata", path)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		variants, _, err := render(t, r, files[name], small())
		if err != nil {
			t.Fatal(err)
		}
		add(name, files[name], variants)
		for _, v := range variants {
			if name == "png" || name == "gif" {
				add(name+v.Format.Extension(), v.Bytes, variants)
			}
		}
	}
	for _, dir := range filepath.SplitList(*moreSeeds) {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() {
				return err
			}
			file, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if variants, _, err := render(t, r, file, small()); err == nil { // others are damaged already
				add(filepath.Base(path), file, variants)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return seeds
}

func isJPEG(v renderer.Variant) bool { return v.Format == media.JPEG }

// look decodes the JPEG among the variants.
func look(t *testing.T, variants []renderer.Variant) *image.YCbCr {
	t.Helper()
	decoded, err := jpeg.Decode(bytes.NewReader(variants[slices.IndexFunc(variants, isJPEG)].Bytes))
	if err != nil {
		t.Fatal(err)
	}
	picture, ok := decoded.(*image.YCbCr)
	if !ok {
		t.Fatalf("the JPEG is %T", decoded)
	}
	return picture
}

// hole says where a picture is flat that is not flat in the seed, or nothing. A decoder that
// goes on without data leaves such areas. Of a seed that is flat for the most part it says
// nothing: there a turn looks the same.
func (s seed) hole(got *image.YCbCr) string {
	const flat, structured = 3, 24 // levels
	holes, blocks, flatInSeed, first := 0, 0, 0, image.Point{}
	for area := range blocksOf(got.Rect) {
		was := spread(s.whole, sameArea(area, got.Rect, s.whole.Rect))
		blocks++
		if was <= flat {
			flatInSeed++
		}
		if was < structured || spread(got, area) > flat {
			continue
		}
		if holes++; holes == 1 {
			first = area.Min
		}
	}
	if holes == 0 || flatInSeed > blocks/2 {
		return ""
	}
	return fmt.Sprintf("%d flat blocks of a picture of %v, the first at %v", holes, got.Rect.Size(), first)
}

// blocksOf yields the blocks of a picture.
func blocksOf(all image.Rectangle) iter.Seq[image.Rectangle] {
	const block = 8 // pixels
	return func(yield func(image.Rectangle) bool) {
		for y := 0; y+block <= all.Dy(); y += block {
			for x := 0; x+block <= all.Dx(); x += block {
				if !yield(image.Rect(x, y, x+block, y+block)) {
					return
				}
			}
		}
	}
}

// spread is how far the levels of luma in an area are apart.
func spread(picture *image.YCbCr, area image.Rectangle) int {
	least, most := uint8(255), uint8(0)
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			level := picture.Y[picture.YOffset(x, y)]
			least, most = min(least, level), max(most, level)
		}
	}
	return int(most) - int(least)
}

// sameArea is the area in a picture of another size.
func sameArea(area, from, to image.Rectangle) image.Rectangle {
	at := func(p image.Point) image.Point {
		return image.Pt(p.X*to.Dx()/from.Dx(), p.Y*to.Dy()/from.Dy())
	}
	return image.Rectangle{at(area.Min), at(area.Max)}
}
