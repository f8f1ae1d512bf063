package media

import (
	"regexp"
	"slices"
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

// ToldKey is the key, in the output bucket, of the last event that the backend was told of
// id. The CDN does not serve it, because the event names the owner.
func ToldKey(id ID) string { return "told/" + string(id) }

// TryPrefix is what the keys of the records of an SQS message's tries start with, in the
// output bucket. The CDN does not serve them, and a lifecycle rule deletes them
// (deploy/template/buckets.yml).
func TryPrefix(message string) string { return "tries/" + message + "/" }

// Area is the part of the output bucket that an upload is published in. Its value
// is what the keys in it start with.
type Area string

// The areas of the output bucket. The CDN serves what is in Private to requests with
// a signature only.
const (
	Public  Area = "i/"
	Private Area = "p/"
)

// Areas lists the areas of the output bucket.
func Areas() []Area { return []Area{Public, Private} }

// Prefix is what the key of everything published for id starts with.
func (a Area) Prefix(id ID) string { return string(a) + string(id) + "/" }

// ManifestKey is the key of id's manifest.
func (a Area) ManifestKey(id ID) string { return a.Prefix(id) + "manifest.json" }

// VariantKey is the key of one variant. The revision is part of it, so that the
// bytes behind a key never change their meaning.
func (a Area) VariantKey(id ID, rev, name string, format Format) string {
	return a.Prefix(id) + rev + "/" + name + format.Extension()
}

// revision is what [Preset.Rev] returns.
var revision = regexp.MustCompile(`^[0-9a-f]{8}$`)

// ParseImageKey returns the area, the id, and of a variant the revision, in the key of an
// object that is published. It reports false for any key that the worker never puts.
func ParseImageKey(key string) (area Area, id ID, rev string, ok bool) {
	parts := strings.Split(key, "/")
	if len(parts) < 3 || len(parts) > 4 {
		return "", "", "", false
	}
	area = Area(parts[0] + "/")
	id, err := ParseID(parts[1])
	if err != nil || !slices.Contains(Areas(), area) {
		return "", "", "", false
	}
	if len(parts) == 3 {
		return area, id, "", key == area.ManifestKey(id)
	}
	return area, id, parts[2], revision.MatchString(parts[2]) && parts[3] != ""
}

// ImagePrefix is [Area.Prefix] of a public upload.
func ImagePrefix(id ID) string { return Public.Prefix(id) }

// ManifestKey is [Area.ManifestKey] of a public upload.
func ManifestKey(id ID) string { return Public.ManifestKey(id) }

// VariantKey is [Area.VariantKey] of a public upload.
func VariantKey(id ID, rev, name string, format Format) string {
	return Public.VariantKey(id, rev, name, format)
}

// URL is the host-relative reference under which the CDN serves an object of the
// output bucket.
func URL(key string) string { return "/" + key }

// StatusURL is the host-relative reference of id's status in the upload API.
func StatusURL(id ID) string { return "/api/v1/uploads/" + string(id) }
