package media

import (
	"bytes"
	"strings"
)

// Format is an image format, named by its media type (RFC 6838). Only the
// constants below are valid.
type Format string

// The formats that an original may have. JPEG, WebP and AVIF are also the
// formats of variants.
const (
	JPEG Format = "image/jpeg"
	PNG  Format = "image/png"
	WebP Format = "image/webp"
	AVIF Format = "image/avif"
	GIF  Format = "image/gif"
	TIFF Format = "image/tiff"
	HEIC Format = "image/heic"
	HEIF Format = "image/heif"
)

// Accepted lists the formats that an original may have.
func Accepted() []Format {
	return []Format{JPEG, PNG, WebP, AVIF, GIF, TIFF, HEIC, HEIF}
}

// ParseFormat returns the format that a media type without parameters names, and
// false if originals of that type are not accepted.
func ParseFormat(mediaType string) (Format, bool) {
	for _, format := range Accepted() {
		if string(format) == mediaType {
			return format, true
		}
	}
	return "", false
}

// Undeclared is the type that a client declares if it does not know the type of its file.
// No original has it.
const Undeclared Format = "application/octet-stream"

// ParseDeclared returns the format that a client declares in a Content-Type (RFC 9110
// §8.3.1), or Undeclared, and false if files of that type are not accepted. It ignores
// case and parameters, and knows the other names that systems and programs use for a
// format. A declaration is a hint: [Sniff] decides.
func ParseDeclared(contentType string) (Format, bool) {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	switch mediaType {
	case string(Undeclared):
		return Undeclared, true
	case "image/jpg", "image/pjpeg":
		return JPEG, true
	case "image/x-png", "image/apng":
		return PNG, true
	case "image/tif":
		return TIFF, true
	case "image/heic-sequence":
		return HEIC, true
	case "image/heif-sequence":
		return HEIF, true
	}
	return ParseFormat(mediaType)
}

// Extension is the format's file name extension with its dot.
func (f Format) Extension() string {
	switch f {
	case JPEG:
		return ".jpg"
	case "":
		return ""
	default:
		return "." + string(f[len("image/"):])
	}
}

// Name is what people call the format.
func (f Format) Name() string {
	if f == WebP {
		return "WebP"
	}
	return strings.ToUpper(strings.TrimPrefix(string(f), "image/"))
}

// Compatible reports whether bytes of format f may be declared as declared. HEIC
// is HEIF with HEVC inside (ISO/IEC 23008-12), and clients use the names freely.
func (f Format) Compatible(declared Format) bool {
	heif := func(f Format) bool { return f == HEIC || f == HEIF }
	return f == declared || heif(f) && heif(declared)
}

// SniffLength is the number of leading bytes that [Sniff] looks at.
const SniffLength = 512

// Sniff returns the format of the image that starts with head, by its magic
// bytes, and false if it is none of the accepted formats.
func Sniff(head []byte) (Format, bool) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return JPEG, true
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return PNG, true
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return GIF, true
	case bytes.HasPrefix(head, []byte("II*\x00")), bytes.HasPrefix(head, []byte("MM\x00*")),
		bytes.HasPrefix(head, []byte("II+\x00")), bytes.HasPrefix(head, []byte("MM\x00+")): // BigTIFF
		return TIFF, true
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return WebP, true
	}
	return sniffBrands(head)
}

// sniffBrands looks at the brands of an ISO base media file (ISO/IEC 14496-12
// §4.3): the major brand first, then the compatible ones, because writers put
// the generic mif1 or msf1 first and the codec's own brand behind it.
func sniffBrands(head []byte) (Format, bool) {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return "", false
	}
	size := int(head[0])<<24 | int(head[1])<<16 | int(head[2])<<8 | int(head[3])
	box := head[:min(size, len(head), SniffLength)]
	generic := false
	for at := 8; at+4 <= len(box); at += 4 {
		if at == 12 { // the minor version stands between the major brand and the others
			continue
		}
		switch string(box[at : at+4]) {
		case "avif", "avis":
			return AVIF, true
		case "heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs":
			return HEIC, true
		case "mif1", "mif2", "msf1":
			generic = true
		}
	}
	if generic {
		return HEIF, true
	}
	return "", false
}
