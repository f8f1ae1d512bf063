package media

import (
	"regexp"
	"strings"
)

// OriginalPrefix is what the key of every original starts with, in the input bucket.
const OriginalPrefix = "originals/"

// OriginalKey is the key of id's original in the input bucket.
func OriginalKey(id ID) string { return OriginalPrefix + string(id) }

// RejectedTag is the object tag whose value "true" says that an original is rejected:
// the lifecycle rule of the input bucket expires by it (deploy/template/buckets.yml).
const RejectedTag = "presize-rejected"

// ParseOriginalKey is the inverse of [OriginalKey]. It reports false for folders
// and for any key that no grant was ever given for.
func ParseOriginalKey(key string) (ID, bool) {
	rest, ok := strings.CutPrefix(key, OriginalPrefix)
	if !ok {
		return "", false
	}
	id, err := ParseID(rest)
	return id, err == nil
}

// PublishedPrefix is what the key of everything published starts with, in the output bucket.
const PublishedPrefix = "i/"

// revision is what [Preset.Rev] returns.
var revision = regexp.MustCompile(`^[0-9a-f]{8}$`)

// ImagePrefix is what the key of everything published for id starts with, in the output bucket.
func ImagePrefix(id ID) string { return PublishedPrefix + string(id) + "/" }

// ParseImageKey returns the id, and of a variant the revision, in the key of an
// object that is published. It reports false for any key that the worker never puts.
func ParseImageKey(key string) (id ID, rev string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) < 3 || len(parts) > 4 {
		return "", "", false
	}
	id, err := ParseID(parts[1])
	if err != nil || !strings.HasPrefix(key, ImagePrefix(id)) {
		return "", "", false
	}
	if len(parts) == 3 {
		return id, "", key == ManifestKey(id)
	}
	return id, parts[2], revision.MatchString(parts[2]) && parts[3] != ""
}

// ManifestKey is the key of id's manifest in the output bucket.
func ManifestKey(id ID) string { return ImagePrefix(id) + "manifest.json" }

// VariantKey is the key of one variant in the output bucket. The revision is
// part of it, so that the bytes behind a key never change their meaning.
func VariantKey(id ID, rev, name string, format Format) string {
	return ImagePrefix(id) + rev + "/" + name + format.Extension()
}

// URL is the host-relative reference under which the CDN serves an object of the
// output bucket.
func URL(key string) string { return "/" + key }

// StatusURL is the host-relative reference of id's status in the upload API.
func StatusURL(id ID) string { return "/api/v1/uploads/" + string(id) }
