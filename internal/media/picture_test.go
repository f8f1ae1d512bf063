package media_test

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
)

func TestPicture(t *testing.T) {
	photo := mediatest.Presets()[0]
	large := published(photo, media.Extent{Width: 3024, Height: 4032})
	quick := large[len(photo.Sizes):] // without AVIF
	for name, test := range map[string]struct {
		variants []media.Variant
		animated bool
	}{
		"picture-complete.golden": {large, false},
		"picture-ready.golden":    {quick, false},
		"picture-small.golden":    {published(photo, media.Extent{Width: 400, Height: 300}), false}, // two sizes come out alike
		"picture-jpeg.golden":     {large[2*len(photo.Sizes):], false},
		"picture-animated.golden": {large, true},
	} {
		t.Run(name, func(t *testing.T) {
			picture := media.Picture(test.variants, test.animated)
			golden(t, name, anyRev(picture)+"\n")
			checkMarkup(t, picture)
		})
	}
}

// checkMarkup checks that a picture is one well-formed element, but for HTML's
// void elements.
func checkMarkup(t *testing.T, picture string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(picture))
	decoder.Strict = false
	decoder.AutoClose = xml.HTMLAutoClose
	var names []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if element, ok := token.(xml.StartElement); ok {
			names = append(names, element.Name.Local)
		}
	}
	got := strings.Join(names, " ")
	if !strings.HasPrefix(got, "picture") || !strings.HasSuffix(got, " img") || strings.Count(got, "img") != 1 {
		t.Errorf("elements: %s", got)
	}
}

func TestNoPictureWithoutAJPEG(t *testing.T) {
	photo := mediatest.Presets()[0]
	large := published(photo, media.Extent{Width: 3024, Height: 4032})
	for name, variants := range map[string][]media.Variant{"nothing": nil, "AVIF only": large[:4], "unpublished": photo.Variants(testID)} {
		if got := media.Picture(variants, false); got != "" {
			t.Errorf("%s: got %s", name, got)
		}
	}
}
