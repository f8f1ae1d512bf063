package media_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

// A published URL is cached for a year. If this test fails, the presets or the engine have
// changed, and originals that are processed again get new URLs.
func TestPublishedURLsStayAsTheyAre(t *testing.T) {
	var urls strings.Builder
	for _, preset := range mediatest.Presets() {
		for _, variant := range preset.Variants(testID) {
			urls.WriteString(preset.Name + " " + variant.Name + " " + string(variant.ContentType) + " " + variant.URL + "\n")
		}
	}
	golden(t, "variants.golden", urls.String())
}

func TestRevisionFollowsWhateverDecidesThePixels(t *testing.T) {
	fresh := func() media.Preset { return mediatest.Presets()[1] }
	changes := map[string]func(*media.Preset){
		"fit":        func(p *media.Preset) { p.Fit = media.Inside },
		"crop":       func(p *media.Preset) { p.Crop = media.Centre },
		"width":      func(p *media.Preset) { p.Sizes[0].Width++ },
		"height":     func(p *media.Preset) { p.Sizes[0].Height++ },
		"background": func(p *media.Preset) { p.Background = "#000000" },
		"quality":    func(p *media.Preset) { p.Encoders[0].Quality++ },
		"speed":      func(p *media.Preset) { p.Encoders[0].Speed++ },
		"effort":     func(p *media.Preset) { p.Encoders[1].Effort++ },
		"format":     func(p *media.Preset) { p.Encoders[0].Format = media.WebP },
		"fewer":      func(p *media.Preset) { p.Encoders = p.Encoders[1:] },
	}
	seen := map[string]string{fresh().Rev(): "no change"}
	for name, change := range changes {
		preset := fresh()
		change(&preset)
		if other, ok := seen[preset.Rev()]; ok {
			t.Errorf("%s: the same revision as %s", name, other)
		}
		seen[preset.Rev()] = name
	}
	if fresh().Rev() != fresh().Rev() {
		t.Error("the revision is not stable")
	}
}

func TestPresetsAreReadAsTheyAreWritten(t *testing.T) {
	tests := []struct {
		name  string
		fit   media.Fit
		crop  media.Crop
		sizes []media.Size
	}{
		{"photo", media.Inside, "", []media.Size{{Width: 320}, {Width: 640}, {Width: 1280}, {Width: 1920}}},
		{"avatar", media.Cover, media.Attention, []media.Size{{Width: 64, Height: 64}, {Width: 128, Height: 128}, {Width: 256, Height: 256}}},
		{"card", media.Cover, media.Centre, []media.Size{{Width: 400, Height: 225}, {Width: 800, Height: 450}, {Width: 1200, Height: 675}}},
	}
	presets := mediatest.Presets()
	if len(presets) != len(tests) {
		t.Errorf("%d presets", len(presets))
	}
	for _, test := range tests {
		preset, ok := presets.Find(test.name)
		if !ok || preset.Name != test.name || preset.Fit != test.fit || preset.Crop != test.crop || !reflect.DeepEqual(preset.Sizes, test.sizes) {
			t.Errorf("%s: got %+v", test.name, preset)
		}
		if got, want := preset.QuickVariants(), 2*len(test.sizes); got != want {
			t.Errorf("%s: %d quick variants, want %d", test.name, got, want)
		}
		for i, want := range []media.Format{media.AVIF, media.WebP, media.JPEG} {
			if encoder := preset.Encoders[i]; encoder.Format != want || encoder.Quick() != (want != media.AVIF) {
				t.Errorf("%s: encoder %d is %+v", test.name, i, encoder)
			}
		}
	}
	if _, ok := presets.Find("poster"); ok {
		t.Error("found a preset that there is not")
	}
}

func TestParsePresetsNamesEverythingThatIsWrong(t *testing.T) {
	const whole = `{"name":"photo","fit":"inside","sizes":[{"width":320}],"background":"#ffffff","encoders":[{"format":"image/jpeg","quality":80}]}`
	if _, err := media.ParsePresets(presetFile("[" + whole + "]")); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, old, new, want string }{
		{"name", `"photo"`, `"Photo!"`, "name:"},
		{"long name", `"photo"`, `"` + strings.Repeat("p", 33) + `"`, "name:"},
		{"no default", `"photo"`, `"other"`, `"photo": missing`},
		{"fit", `"inside"`, `"stretch"`, "fit:"},
		{"crop without cover", `"inside"`, `"inside","crop":"centre"`, "crop:"},
		{"cover without crop", `"inside"`, `"cover"`, "crop:"},
		{"cover without height", `"inside"`, `"cover","crop":"centre"`, "a height from 1"},
		{"no sizes", `[{"width":320}]`, `[]`, "sizes: none"},
		{"no width", `{"width":320}`, `{"width":0}`, "a width from 1"},
		{"too wide", `{"width":320}`, `{"width":16384}`, "a width from 1"},
		{"negative height", `{"width":320}`, `{"width":320,"height":-1}`, "a height from 1"},
		{"same name twice", `{"width":320}`, `{"width":320,"height":9},{"width":320,"height":8}`, "not wider"},
		{"background", `#ffffff`, `white`, "background:"},
		{"unknown format", `image/jpeg`, `image/gif`, "can't write"},
		{"no JPEG", `image/jpeg`, `image/webp`, "image/jpeg is missing"},
		{"format twice", `"encoders":[`, `"encoders":[{"format":"image/jpeg","quality":1},`, "listed twice"},
		{"quality", `"quality":80`, `"quality":101`, "quality from 1"},
		{"speed of JPEG", `"quality":80`, `"quality":80,"speed":1`, "speed from 1"},
		{"speed of AVIF", `"encoders":[`, `"encoders":[{"format":"image/avif","quality":50},`, "speed from 1"},
		{"effort of JPEG", `"quality":80`, `"quality":80,"effort":1`, "effort from 1"},
		{"effort of WebP", `"encoders":[`, `"encoders":[{"format":"image/webp","quality":80},`, "effort from 1"},
		{"accept", `"fit"`, `"accept":["image/svg+xml"],"fit"`, "no original can be"},
		{"accept twice", `"fit"`, `"accept":["image/png","image/png"],"fit"`, "listed twice"},
		{"negative rule", `"fit"`, `"minWidth":-1,"fit"`, "no negative number"},
		{"unknown field", `"fit"`, `"Qualität":1,"fit"`, "unknown field"},
		{"wrong type", `{"width":320}`, `320`, "presets.json:1: sizes: want an object, not number"},
		{"preset twice", whole, whole + "," + whole, "listed twice"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := media.ParsePresets(presetFile("[" + strings.Replace(whole, test.old, test.new, 1) + "]"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want one about %q", err, test.want)
			}
		})
	}
	_, err := media.ParsePresets(presetFile(`[{"name":"a"},{"name":"b","fit":"x"}]`))
	for _, want := range []string{`"a": background`, `"b": background`, `"b": fit`, `"b": sizes`, `"b": encoders`, `"photo": missing`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not reported: %v", want, err)
		}
	}
}

func TestMistakeInPresetsIsToldWithItsLine(t *testing.T) {
	const whole = "[\n{\n\"name\": \"photo\",\n\"fit\": \"inside\",\n\"sizes\": [{\"width\": 320}],\n\"background\": \"#ffffff\",\n" +
		"\"encoders\": [{\"format\": \"image/jpeg\", \"quality\": 80}]\n}\n]\n"
	for _, test := range []struct{ name, old, new, want string }{
		{"comma too many", `"quality": 80}`, `"quality": 80,}`, "presets.json:7: invalid character '}'"},
		{"comma missing", `"inside",`, `"inside"`, "presets.json:5: invalid character '\"'"},
		{"end missing", "]\n", "", "presets.json:8: unexpected EOF"},
		{"misspelt field", `"quality"`, `"qualty"`, `presets.json:7: json: unknown field "qualty"`},
		{"text for a number", `80`, `"80"`, "presets.json:7: encoders.quality: want a whole number, not string"},
		{"object for a list", `[{"width": 320}]`, `{"width": 320}`, "presets.json:5: sizes: want a list, not object"},
		{"two lists", "\n]\n", "\n]\n[]", "presets.json:10: text after the end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			at := strings.LastIndex(whole, test.old)
			_, err := media.ParsePresets(presetFile(whole[:at] + test.new + whole[at+len(test.old):]))
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// FuzzParsePresets checks that what parses is written back as the same presets,
// and that none of their variants share a URL.
func FuzzParsePresets(f *testing.F) {
	shipped, err := json.Marshal(mediatest.Presets())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shipped)
	f.Add([]byte(marked))
	f.Add([]byte(`[{"name":"photo","fit":"cover","crop":"centre","sizes":[{"width":1,"height":1}],"background":"#000000","encoders":[{"format":"image/jpeg","quality":1}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		presets, err := media.ParsePresets(presetFile(string(data)))
		if err != nil {
			return
		}
		written, err := json.Marshal(presets)
		if err != nil {
			t.Fatal(err)
		}
		again, err := media.ParsePresets(presetFile(string(written)))
		if err != nil || !reflect.DeepEqual(again, presets) {
			t.Fatalf("%s became %+v, %v", written, again, err)
		}
		for i, preset := range presets {
			if preset.Rev() != again[i].Rev() {
				t.Errorf("%s: another revision", preset.Name)
			}
			seen := make(map[string]bool)
			for _, variant := range preset.Variants(testID) {
				if seen[variant.URL] {
					t.Errorf("%s: two variants at %s", preset.Name, variant.URL)
				}
				seen[variant.URL] = true
			}
		}
	})
}
