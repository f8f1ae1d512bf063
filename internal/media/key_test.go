package media_test

import (
	"path"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

const testID media.ID = "mzxw6ytboi2gk3tdmuqhg5dbna"

func TestKeysAreThoseOfTheContract(t *testing.T) {
	tests := []struct{ got, want string }{
		{media.OriginalKey(testID), "originals/mzxw6ytboi2gk3tdmuqhg5dbna"},
		{media.ImagePrefix(testID), "i/mzxw6ytboi2gk3tdmuqhg5dbna/"},
		{media.ManifestKey(testID), "i/mzxw6ytboi2gk3tdmuqhg5dbna/manifest.json"},
		{media.VariantKey(testID, "0a1b2c3d", "320", media.AVIF), "i/mzxw6ytboi2gk3tdmuqhg5dbna/0a1b2c3d/320.avif"},
		{media.VariantKey(testID, "0a1b2c3d", "320", media.WebP), "i/mzxw6ytboi2gk3tdmuqhg5dbna/0a1b2c3d/320.webp"},
		{media.VariantKey(testID, "0a1b2c3d", "320", media.JPEG), "i/mzxw6ytboi2gk3tdmuqhg5dbna/0a1b2c3d/320.jpg"},
		{media.ToldKey(testID), "told/mzxw6ytboi2gk3tdmuqhg5dbna"},
		{media.TryPrefix("059f36b4-87a3-44ab-83d2-661975830a7d"), "tries/059f36b4-87a3-44ab-83d2-661975830a7d/"},
		{media.URL(media.ManifestKey(testID)), "/i/mzxw6ytboi2gk3tdmuqhg5dbna/manifest.json"},
		{media.StatusURL(testID), "/api/v1/uploads/mzxw6ytboi2gk3tdmuqhg5dbna"},
	}
	for _, test := range tests {
		if test.got != test.want {
			t.Errorf("got %s, want %s", test.got, test.want)
		}
	}
}

func TestParseOriginalKeyRefusesWhatNoGrantIsFor(t *testing.T) {
	for _, key := range []string{"", "originals", "originals/", "originals/x", "originals//" + string(testID), "Originals/" + string(testID),
		"originals/" + string(testID) + "/", "/originals/" + string(testID), string(testID), media.ManifestKey(testID)} {
		if id, ok := media.ParseOriginalKey(key); ok {
			t.Errorf("%q: got %q", key, id)
		}
	}
}

func TestParseImageKey(t *testing.T) {
	for key, want := range map[string]struct {
		rev string
		ok  bool
	}{
		media.ManifestKey(testID):                               {"", true},
		media.VariantKey(testID, "0a1b2c3d", "320", media.AVIF): {"0a1b2c3d", true},
		media.Private.ManifestKey(testID):                       {"", true},
	} {
		area, id, rev, ok := media.ParseImageKey(key)
		if !strings.HasPrefix(key, area.Prefix(testID)) || id != testID || rev != want.rev || ok != want.ok {
			t.Errorf("%q: got %q, %q, %q, %v", key, area, id, rev, ok)
		}
	}
	for _, key := range []string{"", "i", "i/", "i/" + string(testID), "i/" + string(testID) + "/", "i/" + string(testID) + "/other.json",
		"i/x/manifest.json", "i/" + string(testID) + "/0a1b2c3d/", "i/" + string(testID) + "/0a1b2c3/320.avif", "i/" + string(testID) + "/0A1B2C3D/320.avif",
		"i/" + string(testID) + "/0a1b2c3d/x/320.avif", "j/" + string(testID) + "/manifest.json", "/i/" + string(testID) + "/manifest.json"} {
		if _, id, rev, ok := media.ParseImageKey(key); ok {
			t.Errorf("%q: got %q, %q", key, id, rev)
		}
	}
}

func FuzzImageKey(f *testing.F) {
	f.Add(media.ManifestKey(testID))
	f.Add(media.VariantKey(testID, "0a1b2c3d", "320", media.AVIF))
	f.Add("i//0a1b2c3d/320.avif")
	f.Fuzz(func(t *testing.T, key string) {
		area, id, rev, ok := media.ParseImageKey(key)
		if ok && rev == "" && area.ManifestKey(id) != key {
			t.Errorf("%q: taken for the manifest of %q", key, id)
		}
		if ok && !strings.HasPrefix(key, area.Prefix(id)+rev) {
			t.Errorf("%q: got %q, %q", key, id, rev)
		}
	})
}

func FuzzOriginalKey(f *testing.F) {
	f.Add(media.OriginalKey(testID))
	f.Add("originals/")
	f.Fuzz(func(t *testing.T, key string) {
		if id, ok := media.ParseOriginalKey(key); ok && media.OriginalKey(id) != key {
			t.Errorf("%q: got %q", key, id)
		}
		if id, err := media.ParseID(key); err == nil {
			if got, ok := media.ParseOriginalKey(media.OriginalKey(id)); !ok || got != id {
				t.Errorf("%q: got %q, %v", id, got, ok)
			}
		}
	})
}

func TestVariantsOfAnUploadAreApartAndUnderItsPrefix(t *testing.T) {
	seen := make(map[string]bool)
	for _, preset := range mediatest.Presets() {
		for _, variant := range preset.Variants(testID) {
			if seen[variant.URL] {
				t.Errorf("%s comes twice", variant.URL)
			}
			seen[variant.URL] = true
			key := strings.TrimPrefix(variant.URL, "/")
			if !strings.HasPrefix(key, media.ImagePrefix(testID)) || path.Clean(key) != key || variant.URL != media.URL(key) {
				t.Errorf("%s is not under %s", variant.URL, media.ImagePrefix(testID))
			}
		}
	}
	if len(seen) != 12+9+9 {
		t.Errorf("%d variants", len(seen))
	}
}
