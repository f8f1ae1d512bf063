package media_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

func TestRulesRejectWhatThePresetDoesNotTake(t *testing.T) {
	large := media.Extent{Width: 4000, Height: 3000}
	tests := []struct {
		name    string
		rules   media.Rules
		format  media.Format
		upright media.Extent
		want    media.Code
	}{
		{"no rules", media.Rules{}, media.GIF, media.Extent{Width: 1, Height: 1}, ""},
		{"accepted", media.Rules{Accept: []media.Format{media.PNG, media.JPEG}}, media.JPEG, large, ""},
		{"not accepted", media.Rules{Accept: []media.Format{media.PNG, media.JPEG}}, media.WebP, large, media.TypeMismatch},
		{"HEIF for HEIC", media.Rules{Accept: []media.Format{media.HEIC}}, media.HEIF, large, ""},
		{"AVIF for HEIC", media.Rules{Accept: []media.Format{media.HEIC}}, media.AVIF, large, media.TypeMismatch},
		{"as wide as needed", media.Rules{MinWidth: 4000}, media.PNG, large, ""},
		{"too narrow", media.Rules{MinWidth: 4001}, media.PNG, large, media.TooSmall},
		{"as high as needed", media.Rules{MinHeight: 3000}, media.PNG, large, ""},
		{"too low", media.Rules{MinWidth: 1, MinHeight: 3001}, media.PNG, large, media.TooSmall},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.rules.Check(test.format, test.upright)
			var rejection *media.Rejection
			if errors.As(err, &rejection) != (test.want != "") || rejection != nil && rejection.Code != test.want {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if rejection != nil && !strings.HasSuffix(rejection.Detail, ".") {
				t.Errorf("no sentence: %q", rejection.Detail)
			}
		})
	}
}

func TestRulesOnlyNarrowTheLimits(t *testing.T) {
	limits := media.DefaultLimits()
	for maxBytes, want := range map[int64]int64{0: limits.Bytes, 1: 1, limits.Bytes: limits.Bytes, limits.Bytes + 1: limits.Bytes} {
		got := media.Rules{MaxBytes: maxBytes}.Within(limits)
		if got.Bytes != want || got.Pixels != limits.Pixels || got.Frames != limits.Frames || got.Memory != limits.Memory {
			t.Errorf("%d: got %+v", maxBytes, got)
		}
	}
}

func TestNeitherRulesNorPrivacyChangeTheRevision(t *testing.T) {
	preset := mediatest.Preset("photo")
	rev := preset.Rev()
	preset.Rules = media.Rules{Accept: []media.Format{media.PNG}, MaxBytes: 1, MinWidth: 1, MinHeight: 1}
	preset.Private = true
	if preset.Rev() != rev {
		t.Error("it changed")
	}
}

func TestPrivatePresetIsPublishedApart(t *testing.T) {
	preset := mediatest.Preset("photo")
	preset.Private = true
	for _, variant := range preset.Variants(testID) {
		if !strings.HasPrefix(variant.URL, "/p/"+string(testID)+"/") {
			t.Errorf("%s", variant.URL)
		}
	}
	if got := media.Private.ManifestKey(testID); got != "p/mzxw6ytboi2gk3tdmuqhg5dbna/manifest.json" {
		t.Errorf("manifest: %s", got)
	}
	if presets := mediatest.Presets(); presets.HavePrivate() || !append(presets, preset).HavePrivate() {
		t.Error("HavePrivate is wrong")
	}
}

func TestParsePresetsReadsTheRules(t *testing.T) {
	presets, err := media.ParsePresets(presetFile(`[{"name":"photo","fit":"inside","sizes":[{"width":320}],"background":"#ffffff",
		"encoders":[{"format":"image/jpeg","quality":80}],
		"private":true,"accept":["image/png","image/heic"],"maxBytes":1000,"minWidth":200,"minHeight":100}]`))
	if err != nil {
		t.Fatal(err)
	}
	got := presets[0]
	if !got.Private || !slices.Equal(got.Accept, []media.Format{media.PNG, media.HEIC}) || got.MaxBytes != 1000 || got.MinWidth != 200 || got.MinHeight != 100 {
		t.Errorf("got %+v", got)
	}
}

// Query parameters stand in attributes, where & begins a character reference.
func TestManifestHasQueryAndSiteInEveryURL(t *testing.T) {
	preset := mediatest.Preset("photo")
	preset.Private = true
	variants := preset.Variants(testID)
	for i := range variants {
		variants[i].Width, variants[i].Height = 320*(1+i%4), 240*(1+i%4)
	}
	m := media.Manifest{ID: testID, Original: &media.Original{}, Variants: variants, Sizes: media.OutputSizes(variants, false), Picture: media.Picture(variants, false)}
	signed := m.Signed("Policy=a&Signature=b")
	for _, variant := range signed.Variants {
		if !strings.HasSuffix(variant.URL, "?Policy=a&Signature=b") {
			t.Errorf("variant %s", variant.URL)
		}
	}
	for _, size := range signed.Sizes {
		if !strings.HasSuffix(size.AutoURL, "/"+size.Name+"?Policy=a&Signature=b") {
			t.Errorf("auto URL %s", size.AutoURL)
		}
	}
	if want := strings.Count(m.Picture, "/p/"); want == 0 || strings.Count(signed.Picture, "?Policy=a&amp;Signature=b") != want {
		t.Errorf("picture %s", signed.Picture)
	}
	if strings.Contains(m.Picture+m.Variants[0].URL+m.Sizes[0].AutoURL, "Policy") {
		t.Error("the manifest itself was changed")
	}
	at := signed.At("https://cdn.example")
	for i, size := range at.Sizes {
		if size.AutoURL != "https://cdn.example"+signed.Sizes[i].AutoURL || at.Variants[i].URL != "https://cdn.example"+signed.Variants[i].URL {
			t.Errorf("with a site: %+v, %+v", size, at.Variants[i])
		}
	}
	if strings.Count(at.Picture, "https://cdn.example/p/") != strings.Count(signed.Picture, "/p/") {
		t.Errorf("picture with a site: %s", at.Picture)
	}
	if empty := (media.Manifest{ID: testID}).Signed("a=b"); empty.Variants != nil || empty.Picture != "" {
		t.Errorf("of nothing came %+v", empty)
	}
}
