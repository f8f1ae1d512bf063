//go:build !quick

package vips

import (
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestSettingsOfThePresetReachTheEncoder(t *testing.T) {
	still, animation := phototest.Read(t, "test_exif.jpg"), phototest.Read(t, "test.gif")
	for _, test := range []struct {
		name            string
		file            []byte
		larger, smaller media.Encoder // what the file becomes with them
	}{
		{"JPEG's quality", still, media.Encoder{Format: media.JPEG, Quality: 90}, media.Encoder{Format: media.JPEG, Quality: 50}},
		{"WebP's quality", still, media.Encoder{Format: media.WebP, Quality: 90, Effort: 2}, media.Encoder{Format: media.WebP, Quality: 50, Effort: 2}},
		{"WebP's effort", still, media.Encoder{Format: media.WebP, Quality: 80, Effort: 1}, media.Encoder{Format: media.WebP, Quality: 80, Effort: 6}},
		{"quality of animated WebP", animation, media.Encoder{Format: media.WebP, Quality: 90, Effort: 2}, media.Encoder{Format: media.WebP, Quality: 50, Effort: 2}},
		{"effort of animated WebP", animation, media.Encoder{Format: media.WebP, Quality: 80, Effort: 1}, media.Encoder{Format: media.WebP, Quality: 80, Effort: 4}},
		{"AVIF's quality", still, media.Encoder{Format: media.AVIF, Quality: 80, Speed: 9}, media.Encoder{Format: media.AVIF, Quality: 40, Speed: 9}},
		{"AVIF's speed", still, media.Encoder{Format: media.AVIF, Quality: 60, Speed: 9}, media.Encoder{Format: media.AVIF, Quality: 60, Speed: 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			size := func(encoder media.Encoder) int {
				recipe := preset(t, "photo")
				recipe.Sizes = []media.Size{{Width: 96}}
				recipe.Encoders = []media.Encoder{encoder}
				return len(mustRender(t, test.file, recipe)[0].Bytes)
			}
			if larger, smaller := size(test.larger), size(test.smaller); smaller >= larger {
				t.Errorf("%+v takes %d bytes, %+v %d", test.larger, larger, test.smaller, smaller)
			}
		})
	}
}
