package media_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestIDIsDerivedFromTheSecret(t *testing.T) {
	// Computed with Python's hashlib and base64 over the bytes 0 to 31.
	secret, err := media.ParseSecret("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
	if err != nil {
		t.Fatal(err)
	}
	if got := secret.ID(); got != "mmg42klgyqzwneiskrelxms3j4" {
		t.Errorf("got %s", got)
	}
}

func TestNewSecretsAreDifferentAndOpenTheirOwnUpload(t *testing.T) {
	seen := make(map[media.ID]bool)
	last := media.NewSecret()
	for range 1000 {
		secret := media.NewSecret()
		again, err := media.ParseSecret(secret.Reveal())
		if err != nil || again.ID() != secret.ID() || again.Reveal() != secret.Reveal() {
			t.Fatalf("read back: %v", err)
		}
		if id, err := media.ParseID(string(secret.ID())); err != nil || !secret.Opens(id) || last.Opens(id) || seen[id] {
			t.Fatalf("id %q: %v", id, err)
		}
		seen[secret.ID()] = true
		last = secret
	}
}

func TestNoSecretOpensNothing(t *testing.T) {
	var none media.Secret
	if none.Opens("") || none.Opens(media.NewID()) || none.ID() != "" || none.Reveal() != "" || !none.IsZero() {
		t.Error("the zero value is a secret")
	}
}

func TestParseSecretRefuses(t *testing.T) {
	secret := media.NewSecret().Reveal()
	for name, text := range map[string]string{
		"empty":             "",
		"short":             secret[:42],
		"long":              secret + "A",
		"padding":           secret + "=",
		"loose bits":        strings.Repeat("A", 42) + "B",
		"standard alphabet": strings.Repeat("+", 42) + "A",
		"slash":             strings.Repeat("/", 42) + "A",
		"hex":               strings.Repeat("0a", 32),
		"line break":        secret[:42] + "\n",
		"line break inside": secret[:20] + "\r" + secret[21:],
		"line break more":   secret + "\n",
		"space":             " " + secret[1:],
		"an id":             string(media.NewID()),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := media.ParseSecret(text)
			if !errors.Is(err, media.ErrInvalidSecret) || !got.IsZero() {
				t.Errorf("got %v, %v", got, err)
			}
			if len(text) > 0 && strings.Contains(err.Error(), text) {
				t.Errorf("the error quotes it: %v", err)
			}
		})
	}
}

func FuzzParseSecret(f *testing.F) {
	f.Add(media.NewSecret().Reveal())
	f.Add(strings.Repeat("A", 42) + "B")
	f.Fuzz(func(t *testing.T, text string) {
		secret, err := media.ParseSecret(text)
		if err != nil {
			return
		}
		bits, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(bits) != 32 || secret.Reveal() != text {
			t.Fatalf("%d bytes, %v, revealed as %q", len(bits), err, secret.Reveal())
		}
		digest := sha256.Sum256(bits)
		want := strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(digest[:16]))
		if string(secret.ID()) != want {
			t.Errorf("id %s, want %s", secret.ID(), want)
		}
	})
}

func TestSecretIsPrintedNowhereByAccident(t *testing.T) {
	secret := media.NewSecret()
	type exported struct{ Secret media.Secret }
	type unexported struct{ secret media.Secret }
	holders := []any{
		secret, &secret, exported{secret}, &exported{secret}, unexported{secret}, &unexported{secret},
		[]media.Secret{secret}, map[string]media.Secret{"a": secret}, [1]unexported{{secret}},
		fmt.Errorf("error with %v: %w", secret, media.ErrInvalidSecret), any(secret),
	}
	var printed bytes.Buffer
	text := slog.New(slog.NewTextHandler(&printed, nil))
	document := slog.New(slog.NewJSONHandler(&printed, nil))
	for _, holder := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%c", "%U", "%e", "%T"} {
			fmt.Fprintf(&printed, verb+"\n", holder)
		}
		fmt.Fprint(&printed, holder)
		text.Info("message", "holder", holder)
		document.Info("message", "holder", holder)
		if encoded, err := json.Marshal(holder); err == nil {
			printed.Write(encoded)
		}
	}
	wantHidden(t, printed.String(), secret)
	if _, err := json.Marshal(exported{secret}); err == nil {
		t.Error("it was marshalled")
	}
}

// wantHidden fails if the secret's bytes stand in text, in any common spelling.
func wantHidden(t *testing.T, text string, secret media.Secret) {
	t.Helper()
	bits, err := base64.RawURLEncoding.DecodeString(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	decimal := strings.Trim(fmt.Sprint(bits), "[]")
	for _, spelling := range []string{
		secret.Reveal(), base64.StdEncoding.EncodeToString(bits), string(bits), decimal, strings.ReplaceAll(decimal, " ", ","),
		hex.EncodeToString(bits), strings.ToUpper(hex.EncodeToString(bits)), fmt.Sprintf("%#v", bits),
	} {
		for _, part := range []string{spelling, spelling[:len(spelling)/2]} {
			if strings.Contains(text, part) {
				t.Errorf("printed: %q", part)
			}
		}
	}
}
