package presets_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"regexp"
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
	shipped, err := os.ReadFile("presets.json")
	if err != nil {
		t.Fatal(err)
	}
	var logo bytes.Buffer
	if err := png.Encode(&logo, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	list := append(bytes.TrimSuffix(bytes.TrimSpace(shipped), []byte("]")), ',')
	got, err := media.ParsePresets(fstest.MapFS{
		"presets.json":        {Data: append(append(list, example[1]...), ']')},
		"watermarks/logo.png": {Data: logo.Bytes()},
	})
	if err != nil {
		t.Fatal(err)
	}
	if last := got[len(got)-1]; last.Name != "banner" || last.Watermark == nil {
		t.Errorf("the last preset is %+v", last)
	}
}
