// Package media is the contract that every part of presize shares: the id of an
// upload, the keys of its objects, the presets, the manifest, the limits and the
// reasons to reject a file. It imports the standard library only and does no
// input or output.
package media

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
)

// idLength is the length of an [ID] in characters: 128 bits at 5 bits each.
const idLength = 26

// idEncoding is base32 (RFC 4648 §6) in lower case and without padding, so that
// an id can stand in a URL, a file name or a host name as it is.
var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// ErrInvalidID is returned by [ParseID] for anything that [NewID] cannot make.
var ErrInvalidID = errors.New("invalid upload id")

// ID names one upload. It is 128 random bits in lower-case base32. Nobody can
// guess one, so whoever holds it may see the upload.
type ID string

// NewID returns a fresh random ID.
func NewID() ID {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails: see crypto/rand.Read
	return ID(idEncoding.EncodeToString(bits[:]))
}

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
