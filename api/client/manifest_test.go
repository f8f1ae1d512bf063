package client

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestManifestHasTheFieldsOfTheDocument compares the types with api/openapi.yaml.
func TestManifestHasTheFieldsOfTheDocument(t *testing.T) {
	document, err := openapi3.NewLoader().LoadFromFile(source + "/../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string]any{
		"Upload": Manifest{}, "Original": Original{}, "Placeholder": Placeholder{}, "Variant": Variant{}, "OutputSize": Size{},
		"Rejection": Rejection{}, "Failure": Failure{}, "Access": Access{}, "FieldError": FieldError{}, "GrantRequest": grantRequest{},
	} {
		var got []string
		for field := range reflect.TypeOf(of).Fields() {
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			got = append(got, tag)
		}
		want := slices.Collect(maps.Keys(document.Components.Schemas[name].Value.Properties))
		if name == "Upload" { // its secret comes only with POST /api/v1/images
			want = slices.DeleteFunc(want, func(name string) bool { return name == "secret" })
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s has %q, the document %q", name, got, want)
		}
	}
}

func TestRelativeURLsBecomeAbsolute(t *testing.T) {
	m := Manifest{Variants: []Variant{{URL: "/i/a/b/320.webp"}, {URL: "https://cdn.example.com/i/a"}}, Sizes: []Size{{AutoURL: "/p/a?Policy=b"}, {}}}
	if err := m.resolve(&url.URL{Scheme: "https", Host: "images.example.com"}); err != nil {
		t.Fatal(err)
	}
	got := []string{m.Variants[0].URL, m.Variants[1].URL, m.Sizes[0].AutoURL, m.Sizes[1].AutoURL}
	want := []string{"https://images.example.com/i/a/b/320.webp", "https://cdn.example.com/i/a", "https://images.example.com/p/a?Policy=b", ""}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestTypeIsThatOfTheBytesOrOfTheName(t *testing.T) {
	for _, test := range []struct{ name, declared, head, want string }{
		{"a.txt", "", "\xff\xd8\xff", "image/jpeg"},
		{"a.JPG", "", "?", "image/jpeg"},
		{"a.jfif", "", "?", "image/jpeg"},
		{"a.tif", "", "?", "image/tiff"},
		{"a.hif", "", "?", "image/heif"},
		{"a.heics", "", "?", "image/heic"},
		{"a.b.avif", "", "?", "image/avif"},
		{"a", "", "?", "application/octet-stream"},
		{"", "", "", "application/octet-stream"},
		{"a.jpg", "image/webp", "\xff\xd8\xff", "image/webp"},
	} {
		if got := declare(File{Name: test.name, ContentType: test.declared}, []byte(test.head)); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
	if !IsImageName("IMG_1.HEIC") || IsImageName("notes.txt") || IsImageName("jpg") {
		t.Error("names of images are not told")
	}
}

func TestLongNamesAreCutBeforeTheExtension(t *testing.T) {
	for name, want := range map[string]string{
		"a.jpg":                           "a.jpg",
		strings.Repeat("a", 251) + ".jpg": strings.Repeat("a", 251) + ".jpg",
		strings.Repeat("a", 252) + ".jpg": strings.Repeat("a", 251) + ".jpg",
		strings.Repeat("ä", 200) + ".jpg": strings.Repeat("ä", 125) + ".jpg",
		"a." + strings.Repeat("b", 300):   "a." + strings.Repeat("b", 253),
		"\xff.jpg":                        "\uFFFD.jpg",
	} {
		if got := cutName(name); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999999999999": (1<<31 - 1) * time.Second, "Fri, 02 Jan 1970 15:04:05 GMT": 0} {
		if got := parseRetryAfter(value); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
	if got := parseRetryAfter(time.Now().Add(time.Hour).UTC().Format(time.RFC1123)); got > 0 {
		t.Errorf("a date that is not in GMT: %s", got)
	}
	if got := parseRetryAfter(time.Now().Add(time.Hour).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")); got < 59*time.Minute || got > time.Hour {
		t.Errorf("in an hour: %s", got)
	}
}
