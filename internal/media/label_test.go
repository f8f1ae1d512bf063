package media_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestLabelIsReadAsItWasWritten(t *testing.T) {
	for name, label := range map[string]media.Label{
		"least":             {Preset: "photo"},
		"all":               {Preset: "photo", Private: true, Owner: "auth0|5f7c8ec7c33c6c004bbafe82", Reference: "order/17", Filename: "a b.png"},
		"no ASCII":          {Preset: "photo", Owner: "Jürgen 写真", Reference: "📷\r\nx-amz-acl: public-read", Filename: "50% Größe.png"},
		"longest reference": {Preset: "photo", Owner: strings.Repeat("o", media.MaxOwner), Reference: strings.Repeat("写", media.MaxReference)},
	} {
		t.Run(name, func(t *testing.T) {
			metadata, err := label.Metadata()
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range metadata {
				if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r > '~' }) {
					t.Errorf("%s is not printable ASCII: %q", name, value)
				}
			}
			if got := media.ParseLabel(metadata); got != label {
				t.Errorf("got %+v, want %+v", got, label)
			}
		})
	}
}

func TestLabelThatS3WouldRefuseIsAnError(t *testing.T) {
	label := media.Label{Preset: "photo", Reference: strings.Repeat("📷", media.MaxReference), Filename: strings.Repeat("写", 85)}
	if _, err := label.Metadata(); !errors.Is(err, media.ErrLabelTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestOwnerThatCannotBeDecodedIsStillAnOwner(t *testing.T) {
	for _, value := range []string{"!", "a", "_w"} { // _w is the byte 0xff
		if got := media.ParseLabel(map[string]string{"owner": value}); got.Owner == "" {
			t.Errorf("%q: no owner", value)
		}
	}
}
