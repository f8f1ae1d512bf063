package presets_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/media"
)

func TestShippedPresetsAreValid(t *testing.T) {
	shipped, err := presets.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := shipped.Find(media.DefaultPreset); !ok {
		t.Errorf("no preset %s", media.DefaultPreset)
	}
}

func TestPresetInTheREADMEIsValid(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(readme)
	if example == nil {
		t.Fatal("no example")
	}
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	named := bytes.Replace(example[1], []byte(`"banner"`), []byte(`"photo"`), 1) // a list must have that one
	got, err := media.ParsePresets(fstest.MapFS{
		"presets.json":        {Data: slices.Concat([]byte("["), named, []byte("]"))},
		"watermarks/logo.png": {Data: logo.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if preset, _ := got.Find("photo"); preset.Watermark == nil {
		t.Errorf("the preset is %+v", preset)
	}
}
