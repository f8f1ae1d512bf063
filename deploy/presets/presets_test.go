package presets_test

import (
	"testing"

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
