package media

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const (
	secretBytes  = 32
	secretLength = 43 // characters: 32 bytes in base64 without padding
)

// secretEncoding is base64url without padding (RFC 4648 §5). Strict refuses set
// bits after the last byte.
var secretEncoding = base64.RawURLEncoding.Strict()

// ErrInvalidSecret is returned by [ParseSecret]. It never quotes what was parsed.
var ErrInvalidSecret = errors.New("invalid upload secret")

// errHidden is the error of an encoder that would write a secret by accident.
var errHidden = errors.New("a secret is written by Reveal only")

// Secret proves that its holder owns an upload. The holder may renew the grant, see a
// private upload, and delete the upload. It is 32 random bytes, and the upload's [ID]
// derives from it. The service stores no secret.
//
// Only [Secret.Reveal] gives it away. Formatting and logging print a placeholder,
// and encoding it fails. The bytes are behind a function because fmt prints the
// unexported fields of other types, and what their pointers lead to, without
// asking their methods.
//
// The zero value is no secret: it opens nothing.
type Secret struct{ bytes func() [secretBytes]byte }

// NewSecret returns a fresh random secret.
func NewSecret() Secret {
	var bits [secretBytes]byte
	_, _ = rand.Read(bits[:]) // never fails: see crypto/rand.Read
	return hide(bits)
}

// ParseSecret returns the secret that text spells, or [ErrInvalidSecret] unless
// text is the one canonical spelling of 32 bytes.
func ParseSecret(text string) (Secret, error) {
	// The decoder skips line breaks, so the length alone proves nothing.
	decoded, err := secretEncoding.DecodeString(text)
	if err != nil || len(text) != secretLength || len(decoded) != secretBytes {
		return Secret{}, ErrInvalidSecret
	}
	return hide([secretBytes]byte(decoded)), nil
}

func hide(bits [secretBytes]byte) Secret {
	return Secret{func() [secretBytes]byte { return bits }}
}

// ID returns the id of the secret's upload: the first 128 bits of the SHA-256 over
// its bytes. The zero value has none.
func (s Secret) ID() ID {
	if s.IsZero() {
		return ""
	}
	bits := s.bytes()
	digest := sha256.Sum256(bits[:])
	return ID(idEncoding.EncodeToString(digest[:16]))
}

// Opens reports whether s is the secret of id's upload. How long it takes does not
// depend on how much of the id agrees.
func (s Secret) Opens(id ID) bool {
	return !s.IsZero() && subtle.ConstantTimeCompare([]byte(s.ID()), []byte(id)) == 1
}

// IsZero reports whether s is no secret.
func (s Secret) IsZero() bool { return s.bytes == nil }

// Reveal returns the secret as text, for its owner.
func (s Secret) Reveal() string {
	if s.IsZero() {
		return ""
	}
	bits := s.bytes()
	return secretEncoding.EncodeToString(bits[:])
}

// hidden is printed in place of a secret.
const hidden = "[secret]"

// Format implements [fmt.Formatter] for every verb.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, hidden) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText fails, and with it encoding/json and others that would write the
// secret.
func (s Secret) MarshalText() ([]byte, error) { return nil, errHidden }
