// Package media is the contract that every part of presize shares: the id of an
// upload, the keys of its objects, the presets, the manifest, the limits and the
// reasons to reject a file. It imports the standard library only and does no
// input or output.
package media

import (
	"encoding/base32"
	"errors"
)

// idLength is the length of an [ID] in characters: 128 bits at 5 bits each.
const idLength = 26

// idEncoding is base32 (RFC 4648 §6) in lower case and without padding, so that
// an id can stand in a URL, a file name or a host name as it is.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrInvalidID is returned by [ParseID] for anything that is no id.
var ErrInvalidID = errors.New("invalid upload id")

// ID names one upload. It is 128 bits in lower-case base32, derived from the
// upload's [Secret]. It is public, as a part of every image's URL, but nobody can
// guess it.
type ID string

// NewID returns the id of a fresh secret, which nobody keeps.
func NewID() ID { return NewSecret().ID() }

// ParseID returns s as an ID, or [ErrInvalidID] unless s is the one canonical
// spelling of 128 bits: two strings never name the same upload.
func ParseID(s string) (ID, error) {
	if len(s) != idLength {
		return "", ErrInvalidID
	}
	bits, err := idEncoding.DecodeString(s)
	if err != nil || idEncoding.EncodeToString(bits) != s {
		return "", ErrInvalidID
	}
	return ID(s), nil
}
