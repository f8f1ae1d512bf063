package media

import (
	"encoding/base64"
	"errors"
	"net/url"
	"unicode/utf8"
)

const (
	// MaxReference is the length of a reference in characters.
	MaxReference = 256
	// MaxOwner is the length of an owner in bytes, as OpenID Connect Core 1.0 §2
	// limits the claim sub.
	MaxOwner = 255
	// maxLabel is what S3 takes as an object's metadata, in bytes of names and values.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
	maxLabel = 2 << 10
)

// ErrLabelTooLong is returned by [Label.Metadata].
var ErrLabelTooLong = errors.New("label does not fit into an object's metadata")

// Label is what an original carries about itself, as its grant was signed. Owner,
// Reference and Filename are for the status and for events: they are never
// published and never logged.
type Label struct {
	Preset    string
	Private   bool   // the preset was private when the grant was given
	Owner     string // the subject of the token that asked for the grant; "" without sign-in
	Reference string // the app's own string
	Filename  string
}

// labelEncoding makes any text ASCII, as metadata must be, and takes less room than
// percent-encoding.
var labelEncoding = base64.RawURLEncoding

// Metadata returns the label as an object's metadata, or [ErrLabelTooLong].
func (l Label) Metadata() (map[string]string, error) {
	values := map[string]string{PresetMetadata: l.Preset}
	if l.Private {
		values[privateMetadata] = "true"
	}
	if l.Owner != "" {
		values[ownerMetadata] = labelEncoding.EncodeToString([]byte(l.Owner))
	}
	if l.Reference != "" {
		values[referenceMetadata] = labelEncoding.EncodeToString([]byte(l.Reference))
	}
	if l.Filename != "" {
		values[FilenameMetadata] = url.PathEscape(l.Filename)
	}
	size := 0
	for name, value := range values {
		size += len(name) + len(value)
	}
	if size > maxLabel {
		return nil, ErrLabelTooLong
	}
	return values, nil
}

// ParseLabel is the inverse of [Label.Metadata]. A value that can't be decoded is kept as
// it is: an operator may have put the original by hand, and an upload must never lose its
// owner.
func ParseLabel(metadata map[string]string) Label {
	l := Label{
		Preset:    metadata[PresetMetadata],
		Private:   metadata[privateMetadata] == "true",
		Owner:     decodeLabel(metadata[ownerMetadata]),
		Reference: decodeLabel(metadata[referenceMetadata]),
		Filename:  metadata[FilenameMetadata],
	}
	if filename, err := url.PathUnescape(l.Filename); err == nil {
		l.Filename = filename
	}
	return l
}

func decodeLabel(value string) string {
	if decoded, err := labelEncoding.DecodeString(value); err == nil && utf8.Valid(decoded) {
		return string(decoded)
	}
	return value
}
