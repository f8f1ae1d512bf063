package api

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
)

const (
	maxGrantRequest = 64 << 10 // bytes
	maxFilename     = 255      // bytes, as most file systems have it
)

// grantRequest says what a client wants to upload.
type grantRequest struct {
	contentType media.Format
	bytes       int64
	sha256      string // base64; "" if not told
	filename    string // "" if not told
	preset      media.Preset
}

// granted is the answer to a grantRequest.
type granted struct {
	ID        media.ID     `json:"id"`
	Upload    uploadGrant  `json:"upload"`
	StatusURL string       `json:"statusUrl"`
	Image     plannedImage `json:"image"`
}

// uploadGrant is the request with which the client uploads the original.
type uploadGrant struct {
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	ExpiresAt time.Time         `json:"expiresAt"`
}

// plannedImage is where the image will be.
type plannedImage struct {
	ManifestURL string          `json:"manifestUrl"`
	Variants    []media.Variant `json:"variants"`
}

// grant answers POST /api/v1/uploads. It does not talk to S3.
func (s *service) grant(r *http.Request) (answer, error) {
	body, err := readFields(r, maxGrantRequest)
	if err != nil {
		return answer{}, err
	}
	request, err := s.parseGrantRequest(body)
	if err != nil {
		return answer{}, err
	}
	id := media.NewID()
	// S3 counts whole seconds from the signature's own time, which comes after this one.
	expires := time.Now().UTC().Truncate(time.Second).Add(s.GrantTTL)
	signed, err := s.Input.PresignPut(r.Context(), bucket.Grant{
		Key:         media.OriginalKey(id),
		ContentType: string(request.contentType),
		Bytes:       request.bytes,
		SHA256:      request.sha256,
		Metadata:    metadata(request.preset, request.filename),
		TTL:         s.GrantTTL,
	})
	if err != nil {
		return answer{}, err
	}
	a, err := jsonAnswer(http.StatusCreated, granted{
		ID:        id,
		Upload:    uploadGrant{signed.Method, signed.URL, signed.Headers, expires},
		StatusURL: media.StatusURL(id),
		Image:     plannedImage{media.URL(media.ManifestKey(id)), request.preset.Variants(id)},
	})
	if err != nil {
		return answer{}, err
	}
	a.header.Set("Location", media.StatusURL(id))
	a.upload = id
	a.counts = []slog.Attr{metric.Count("Grants")}
	return a, nil
}

// parseGrantRequest checks a request's fields, all of them: a client learns
// everything that is wrong at once.
func (s *service) parseGrantRequest(body *fields) (grantRequest, error) {
	var request grantRequest
	var contentType, sum string
	var size float64 // as JSON has it: 1e3 is a whole number too
	preset := media.DefaultPreset
	if body.required("contentType", &contentType, "a string") {
		var ok bool
		if request.contentType, ok = media.ParseDeclared(contentType); !ok {
			body.refuse("contentType", refuseFormat(contentType))
		}
	}
	if body.required("bytes", &size, "a number") {
		switch {
		case size == 0:
			body.refuse("bytes", "The file is empty.")
		case size < 0 || size != math.Trunc(size):
			body.refuse("bytes", "bytes must be a whole number.")
		case size > float64(s.Limits.Bytes):
			body.refuse("bytes", fmt.Sprintf("The file has %.0f bytes, and at most %d are accepted.", size, s.Limits.Bytes))
		}
		request.bytes = int64(size)
	}
	if body.optional("sha256", &sum, "a string") {
		digest, err := base64.StdEncoding.DecodeString(sum)
		if err != nil || len(digest) != sha256.Size || base64.StdEncoding.EncodeToString(digest) != sum {
			body.refuse("sha256", "sha256 must be a SHA-256 digest in base64.")
		}
		request.sha256 = sum
	}
	if body.optional("filename", &request.filename, "a string") && len(request.filename) > maxFilename {
		body.refuse("filename", fmt.Sprintf("The file name has more than %d bytes.", maxFilename))
	}
	body.optional("preset", &preset, "a string")
	var ok bool
	if request.preset, ok = s.Presets.Find(preset); !ok {
		body.refuse("preset", refusePreset(preset))
	}
	return request, body.err()
}

// metadata is what an original carries about itself. Its values must be ASCII.
func metadata(preset media.Preset, filename string) map[string]string {
	values := map[string]string{media.PresetMetadata: preset.Name}
	if filename != "" {
		values[media.FilenameMetadata] = url.PathEscape(filename)
	}
	return values
}

func refuseFormat(contentType string) string {
	var accepted []string
	for _, format := range media.Accepted() {
		accepted = append(accepted, strings.TrimPrefix(string(format), "image/"))
	}
	return fmt.Sprintf("Files of the type %q are not accepted, only images of the types %s.", contentType, strings.Join(accepted, ", "))
}

func refusePreset(name string) string { return fmt.Sprintf("There is no preset %q.", name) }
