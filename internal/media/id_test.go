package media_test

import (
	"encoding/base32"
	"errors"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestNewIDsAreCanonicalAndDifferent(t *testing.T) {
	seen := make(map[media.ID]bool)
	for range 1000 {
		id := media.NewID()
		if parsed, err := media.ParseID(string(id)); err != nil || parsed != id {
			t.Fatalf("%q: got %q, %v", id, parsed, err)
		}
		if seen[id] {
			t.Fatalf("%q came twice", id)
		}
		seen[id] = true
	}
}

func TestParseIDRefuses(t *testing.T) {
	id := string(media.NewID())
	tests := map[string]string{
		"empty":           "",
		"short":           id[:25],
		"long":            id + "a",
		"upper case":      strings.Repeat("A", 26),
		"foreign letters": strings.Repeat("1", 26),
		"loose bits":      strings.Repeat("a", 25) + "b",
		"padding":         strings.Repeat("a", 25) + "=",
		"line break":      id[:25] + "\n",
		"slash":           id[:12] + "/" + id[13:],
		"two-byte letter": id[:24] + "ä",
		"prefix of a key": "originals/" + id,
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			if got, err := media.ParseID(text); got != "" || !errors.Is(err, media.ErrInvalidID) {
				t.Errorf("%q: got %q, %v", text, got, err)
			}
		})
	}
}

// FuzzParseID checks that what parses is the one spelling of its 128 bits.
func FuzzParseID(f *testing.F) {
	f.Add(string(media.NewID()))
	f.Add(strings.Repeat("a", 26))
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := media.ParseID(text)
		if err != nil {
			return
		}
		bits, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(text))
		if err != nil || len(bits) != 16 || string(id) != text {
			t.Fatalf("%q: got %q, %d bytes, %v", text, id, len(bits), err)
		}
		if again := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits)); again != text {
			t.Errorf("%q is also spelt %q", text, again)
		}
	})
}
