package media_test

import (
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

func TestAutoURLIsGivenOutOnceEveryFormatIsThere(t *testing.T) {
	preset, _ := mediatest.Presets().Find("avatar")
	all := published(preset, media.Extent{Width: 200, Height: 100})
	prefix := media.URL(media.ImagePrefix(testID)) + preset.Rev() + "/"
	without := func(lost func(media.Variant) bool) []media.Variant {
		return slices.DeleteFunc(slices.Clone(all), lost)
	}
	for name, test := range map[string]struct {
		variants []media.Variant
		animated bool
		want     []media.OutputSize
	}{
		"nothing": {},
		"complete": {all, false, []media.OutputSize{
			{"64", 64, 64, prefix + "64"}, {"128", 100, 100, prefix + "128"}, {"256", 100, 100, prefix + "256"},
		}},
		"ready": {without(func(v media.Variant) bool { return v.ContentType == media.AVIF }), false, []media.OutputSize{
			{"64", 64, 64, ""}, {"128", 100, 100, ""}, {"256", 100, 100, ""},
		}},
		"preset without WebP": {without(func(v media.Variant) bool { return v.ContentType == media.WebP }), false, []media.OutputSize{
			{"64", 64, 64, ""}, {"128", 100, 100, ""}, {"256", 100, 100, ""},
		}},
		"one AVIF missing": {without(func(v media.Variant) bool { return v.ContentType == media.AVIF && v.Name == "128" }), false, []media.OutputSize{
			{"64", 64, 64, prefix + "64"}, {"128", 100, 100, ""}, {"256", 100, 100, prefix + "256"},
		}},
		"animation": {all, true, []media.OutputSize{
			{"64", 64, 64, ""}, {"128", 100, 100, ""}, {"256", 100, 100, ""},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := media.OutputSizes(test.variants, test.animated); !slices.Equal(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}
