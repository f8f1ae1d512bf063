package media_test

import (
	"bytes"
	stdimage "image"
	"image/png"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/presize/presize/internal/media"
)

func encodePNG(width, height int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, stdimage.NewNRGBA(stdimage.Rect(0, 0, width, height))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// presetFile is a file of presets with images beside it.
func presetFile(presets string) fstest.MapFS {
	return fstest.MapFS{
		"presets.json":          {Data: []byte(presets)},
		"watermarks/logo.png":   {Data: encodePNG(40, 20)},
		"watermarks/other.png":  {Data: encodePNG(20, 40)},
		"watermarks/wide.png":   {Data: encodePNG(media.MaxWatermark+1, 1)},
		"watermarks/photo.png":  {Data: []byte("\xff\xd8\xff\xe0 a JPEG by another name")},
		"watermarks/header.png": {Data: encodePNG(40, 20)[:20]},
	}
}

const marked = `[{"name":"photo","fit":"inside","sizes":[{"width":320}],"background":"#ffffff","encoders":[{"format":"image/jpeg","quality":80}],
	"watermark":{"image":"logo.png","place":"south-east","width":0.2,"opacity":0.5,"margin":0.05}}]`

func TestParsePresetsReadsTheWatermark(t *testing.T) {
	presets, err := media.ParsePresets(presetFile(marked))
	if err != nil {
		t.Fatal(err)
	}
	got := presets[0].Watermark
	if got.Place != "south-east" || got.Width != 0.2 || got.Opacity != 0.5 || got.Margin != 0.05 || !bytes.Equal(got.PNG, encodePNG(40, 20)) {
		t.Errorf("got %+v", got)
	}
}

func TestParsePresetsNamesEverythingThatIsWrongWithAWatermark(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"place", `south-east`, `bottom`, `watermark: place: want a point of the compass like "south-east", or "centre", not "bottom"`},
		{"no width", `"width":0.2,`, ``, "watermark: width: want"},
		{"wider than the variant", `"width":0.2`, `"width":1.1`, "watermark: width: want"},
		{"no opacity", `"opacity":0.5,`, ``, "watermark: opacity: want"},
		{"more than opaque", `"opacity":0.5`, `"opacity":50`, "watermark: opacity: want"},
		{"negative margin", `"margin":0.05`, `"margin":-0.05`, "watermark: margin: want"},
		{"nothing but margin", `"margin":0.05`, `"margin":0.5`, "watermark: margin: want"},
		{"no image", `"image":"logo.png",`, ``, "watermark: image: want the name of a PNG"},
		{"another folder", `logo.png`, `../presets.png`, "watermark: image: want the name of a PNG"},
		{"missing image", `logo.png`, `missing.png`, "watermark: image: open watermarks/missing.png: file does not exist"},
		{"no PNG", `logo.png`, `photo.png`, "watermark: image: read photo.png: png: invalid format"},
		{"no whole header", `logo.png`, `header.png`, "watermark: image: read header.png"},
		{"too large", `logo.png`, `wide.png`, "watermark: image: wide.png is 2049 x 1; want edges of at most 2048"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := media.ParsePresets(presetFile(strings.Replace(marked, test.old, test.new, 1)))
			if err == nil || !strings.Contains(err.Error(), `preset "photo": `+test.want) {
				t.Errorf("got %v, want one about %q", err, test.want)
			}
		})
	}
}

func TestRevisionFollowsTheWatermark(t *testing.T) {
	seen := make(map[string]string)
	for name, change := range map[string][2]string{
		"no change": {},
		"none":      {marked[strings.Index(marked, `,`+"\n"):], "}]"},
		"image":     {`logo`, `other`},
		"place":     {`south-east`, `north`},
		"width":     {`0.2`, `0.3`},
		"opacity":   {`"opacity":0.5`, `"opacity":0.6`},
		"margin":    {`0.05`, `0.06`},
	} {
		presets, err := media.ParsePresets(presetFile(strings.Replace(marked, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		rev := presets[0].Rev()
		if other, ok := seen[rev]; ok {
			t.Errorf("%s: the same revision as %s", name, other)
		}
		seen[rev] = name
	}
}

func TestRevisionFollowsTheWatermarksPixels(t *testing.T) {
	files := presetFile(marked)
	before, err := media.ParsePresets(files)
	if err != nil {
		t.Fatal(err)
	}
	files["watermarks/logo.png"] = files["watermarks/other.png"]
	after, err := media.ParsePresets(files)
	if err != nil {
		t.Fatal(err)
	}
	if before[0].Rev() == after[0].Rev() {
		t.Error("another image by the same name has the same revision")
	}
}

func TestWatermarkIsPlacedWithinTheVariant(t *testing.T) {
	type extent = media.Extent
	for _, test := range []struct {
		name           string
		place          media.Place
		width, margin  float64
		variant, image extent
		scaled         extent
		left, top      int
	}{
		{"north-west", "north-west", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 30, 30},
		{"north", "north", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 160, 30},
		{"north-east", "north-east", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 290, 30},
		{"west", "west", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 30, 130},
		{"centre", "centre", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 160, 130},
		{"east", "east", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 290, 130},
		{"south-west", "south-west", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 30, 230},
		{"south", "south", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 160, 230},
		{"south-east", "south-east", 0.2, 0.1, extent{400, 300}, extent{800, 400}, extent{80, 40}, 290, 230},
		{"without margin", "south-east", 0.2, 0, extent{400, 300}, extent{800, 400}, extent{80, 40}, 320, 260},
		{"never enlarged", "south-east", 0.5, 0, extent{400, 300}, extent{50, 20}, extent{50, 20}, 350, 280},
		{"whole width, less the margins", "centre", 1, 0.1, extent{400, 300}, extent{2000, 1000}, extent{340, 170}, 30, 65},
		{"as high as a wide variant", "west", 0.5, 0, extent{1920, 30}, extent{800, 400}, extent{60, 30}, 0, 0},
		{"higher than wide", "north", 1, 0.1, extent{300, 400}, extent{100, 2000}, extent{17, 340}, 141, 30},
		{"on one pixel", "south-east", 1, 0.49, extent{1, 1}, extent{800, 400}, extent{1, 1}, 0, 0},
		{"on two pixels", "south-east", 0.1, 0.49, extent{2, 2}, extent{800, 400}, extent{1, 1}, 1, 1},
		{"on a line", "south", 0.2, 0.3, extent{3000, 1}, extent{800, 400}, extent{2, 1}, 1499, 0},
		{"on a column", "south", 0.2, 0.3, extent{1, 3000}, extent{800, 400}, extent{1, 1}, 0, 2999},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := media.Watermark{Place: test.place, Width: test.width, Margin: test.margin}
			scaled, left, top := w.Plan(test.variant, test.image)
			if scaled != test.scaled || left != test.left || top != test.top {
				t.Errorf("got %v at %d,%d, want %v at %d,%d", scaled, left, top, test.scaled, test.left, test.top)
			}
		})
	}
}
