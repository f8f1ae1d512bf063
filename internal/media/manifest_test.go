package media_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

// published returns the variants of a preset as a finished upload has them.
func published(preset media.Preset, upright media.Extent) []media.Variant {
	variants := preset.Variants(testID)
	for i := range variants {
		output := preset.Plan(preset.Sizes[i%len(preset.Sizes)], upright).Output
		variants[i].Width, variants[i].Height, variants[i].Bytes = output.Width, output.Height, int64(1000+i)
	}
	return variants
}

func wholeManifest() media.Manifest {
	preset := mediatest.Presets()[0]
	variants := published(preset, media.Extent{Width: 3024, Height: 4032})
	return media.Manifest{
		ID:          testID,
		Status:      media.Ready,
		Complete:    true,
		Preset:      preset.Name,
		Rev:         preset.Rev(),
		Original:    &media.Original{ContentType: media.HEIC, Bytes: 3970480, Width: 3024, Height: 4032},
		Placeholder: &media.Placeholder{ThumbHash: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w", Color: "#6b7f8a"},
		Variants:    variants,
		Sizes:       media.OutputSizes(variants, false),
		Picture:     media.Picture(variants, false),
	}
}

func TestManifestIsTheDocumentOfTheContract(t *testing.T) {
	document, err := wholeManifest().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "manifest.golden", anyRev(string(document)))
}

// anyRev makes text about the photo preset independent of its revision, which
// only TestPublishedURLsStayAsTheyAre is about.
func anyRev(text string) string {
	return strings.ReplaceAll(text, mediatest.Presets()[0].Rev(), "0a1b2c3d")
}

func TestManifestsRoundTrip(t *testing.T) {
	for name, manifest := range map[string]media.Manifest{
		"whole":      wholeManifest(),
		"least":      {ID: testID, Status: media.Processing},
		"rejected":   {ID: testID, Status: media.Rejected, Rejection: media.Reject(media.Corrupt, "50%% of <it> is \u2028 gone")},
		"failed":     {ID: testID, Status: media.Failed, Original: &media.Original{ContentType: media.GIF}},
		"incomplete": {ID: testID, Status: media.Ready, Variants: []media.Variant{{Name: "320", ContentType: media.JPEG}}},
	} {
		t.Run(name, func(t *testing.T) {
			document, err := manifest.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got, err := media.ParseManifest(document)
			if err != nil || !reflect.DeepEqual(got, manifest) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for name, document := range map[string]string{
		"nothing":                    ``,
		"not JSON":                   `<html>`,
		"cut off":                    `{"id":"mzxw6ytboi2gk3tdmuqhg5dbna","status":"ready"`,
		"two documents":              `{"id":"mzxw6ytboi2gk3tdmuqhg5dbna","status":"ready"}{}`,
		"no id":                      `{"status":"ready"}`,
		"wrong id":                   `{"id":"x","status":"ready"}`,
		"no status":                  `{"id":"mzxw6ytboi2gk3tdmuqhg5dbna"}`,
		"unknown status":             `{"id":"mzxw6ytboi2gk3tdmuqhg5dbna","status":"lost"}`,
		"rejected without rejection": `{"id":"mzxw6ytboi2gk3tdmuqhg5dbna","status":"rejected"}`,
		"wrong type":                 `{"id":"mzxw6ytboi2gk3tdmuqhg5dbna","status":"ready","complete":"yes"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if manifest, err := media.ParseManifest([]byte(document)); err == nil {
				t.Errorf("got %+v", manifest)
			}
		})
	}
	if _, err := media.ParseManifest([]byte(`{"id":"x","status":"ready"}`)); !errors.Is(err, media.ErrInvalidID) {
		t.Errorf("wrong id: %v", err)
	}
}

func TestSettledStatusesAreFinal(t *testing.T) {
	for _, test := range []struct {
		manifest media.Manifest
		want     bool
	}{
		{media.Manifest{Status: media.Processing}, false},
		{media.Manifest{Status: media.Ready}, false},
		{media.Manifest{Status: media.Ready, Complete: true}, true},
		{media.Manifest{Status: media.Rejected}, true},
		{media.Manifest{Status: media.Failed}, true},
	} {
		if got := test.manifest.Settled(); got != test.want {
			t.Errorf("%s, complete %v: got %v", test.manifest.Status, test.manifest.Complete, got)
		}
	}
}

func TestRejectionIsAnErrorForTheLog(t *testing.T) {
	var err error = media.Reject(media.TooManyPixels, "The image has %d megapixels.", 400)
	var rejection *media.Rejection
	if !errors.As(err, &rejection) || rejection.Code != media.TooManyPixels || !strings.Contains(err.Error(), "400 megapixels") {
		t.Errorf("got %v", err)
	}
}

// FuzzParseManifest checks that what parses is written back as the same manifest.
func FuzzParseManifest(f *testing.F) {
	document, err := wholeManifest().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(document)
	f.Add([]byte(`{"id":"mzxw6ytboi2gk3tdmuqhg5dbna","status":"rejected","rejection":{"code":"empty","detail":"\u0000"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		manifest, err := media.ParseManifest(data)
		if err != nil {
			return
		}
		written, err := manifest.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := media.ParseManifest(written)
		if err != nil {
			t.Fatalf("%s: %v", written, err)
		}
		rewritten, err := again.Encode()
		if err != nil || string(rewritten) != string(written) {
			t.Errorf("%s became %s, %v", written, rewritten, err)
		}
	})
}
