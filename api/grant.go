package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

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
	reference   string // "" if not told
	preset      media.Preset
	secret      media.Secret // the zero value if the API is to make it
}

// granted is the answer to a grantRequest.
type granted struct {
	ID        media.ID     `json:"id"`
	Secret    string       `json:"secret"`
	Upload    *uploadGrant `json:"upload,omitempty"` // nil where the original is there already
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

// grant answers POST /api/v1/uploads. It talks to S3 only where the client brings the
// secret: the same request may have come before.
func (s *service) grant(r *http.Request) (answer, error) {
	body, err := readFields(r, maxGrantRequest)
	if err != nil {
		return answer{}, err
	}
	request, err := s.parseGrantRequest(body)
	if err != nil {
		return answer{}, err
	}
	owner, err := senderOf(r).owner()
	if err != nil {
		return answer{}, err
	}
	label := media.Label{
		Preset:    request.preset.Name,
		Private:   request.preset.Private,
		Owner:     owner,
		Reference: request.reference,
		Filename:  request.filename,
	}
	if request.secret.IsZero() {
		request.secret = media.NewSecret()
	} else if exists, err := s.exists(r.Context(), request, label); err != nil {
		return answer{}, err
	} else if exists {
		return grantAnswer(http.StatusOK, request, nil, s.site(r.Header))
	}
	upload, err := s.presign(r.Context(), request, label)
	if err != nil {
		return answer{}, err
	}
	a, err := grantAnswer(http.StatusCreated, request, upload, s.site(r.Header))
	a.counts = []slog.Attr{metric.Count("Grants")}
	return a, err
}

// exists reports whether the original that is asked for is there already. It fails if
// another one is.
func (s *service) exists(ctx context.Context, request grantRequest, label media.Label) (bool, error) {
	original, err := s.Input.Head(ctx, media.OriginalKey(request.secret.ID()))
	if errors.Is(err, bucket.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	there := media.ParseLabel(original.Metadata)
	if original.Size != request.bytes || original.ContentType != string(request.contentType) ||
		there.Preset != label.Preset || there.Owner != label.Owner || there.Reference != label.Reference {
		return false, uploadExists.problem("With this secret something else was uploaded already. Please take a new one.")
	}
	return true, nil
}

// presign returns the grant itself.
func (s *service) presign(ctx context.Context, request grantRequest, label media.Label) (*uploadGrant, error) {
	metadata, err := label.Metadata()
	if errors.Is(err, media.ErrLabelTooLong) {
		return nil, invalidRequest.problem("The file name and the reference are too long together.")
	}
	if err != nil {
		return nil, err
	}
	// S3 counts whole seconds from the signature's own time, which comes after this one.
	expires := time.Now().UTC().Truncate(time.Second).Add(s.GrantTTL)
	signed, err := s.Input.PresignPut(ctx, bucket.Grant{
		Key:         media.OriginalKey(request.secret.ID()),
		ContentType: string(request.contentType),
		Bytes:       request.bytes,
		SHA256:      request.sha256,
		Metadata:    metadata,
		TTL:         s.GrantTTL,
	})
	if err != nil {
		return nil, err
	}
	return &uploadGrant{signed.Method, signed.URL, signed.Headers, expires}, nil
}

// grantAnswer returns a grant whose URLs begin with site.
func grantAnswer(status int, request grantRequest, upload *uploadGrant, site string) (answer, error) {
	id, preset := request.secret.ID(), request.preset
	variants := preset.Variants(id)
	for i := range variants {
		variants[i].URL = site + variants[i].URL
	}
	a, err := jsonAnswer(status, granted{
		ID:        id,
		Secret:    request.secret.Reveal(),
		Upload:    upload,
		StatusURL: site + media.StatusURL(id),
		Image:     plannedImage{site + media.URL(preset.Area().ManifestKey(id)), variants},
	})
	if err != nil {
		return answer{}, err
	}
	a.header.Set("Location", media.StatusURL(id))
	a.upload = id
	return a, nil
}

// parseGrantRequest checks a request's fields, all of them: a client learns
// everything that is wrong at once.
func (s *service) parseGrantRequest(body *fields) (grantRequest, error) {
	var request grantRequest
	var ok bool
	name := media.DefaultPreset
	body.optional("preset", &name, "a string")
	if request.preset, ok = s.Presets.Find(name); !ok {
		body.refuse("preset", refusePreset(name))
	}
	s.parseFile(body, &request)
	if body.optional("filename", &request.filename, "a string") && len(request.filename) > maxFilename {
		body.refuse("filename", fmt.Sprintf("The file name has more than %d bytes.", maxFilename))
	}
	if body.optional("reference", &request.reference, "a string") && utf8.RuneCountInString(request.reference) > media.MaxReference {
		body.refuse("reference", fmt.Sprintf("The reference has more than %d characters.", media.MaxReference))
	}
	var secret string
	if body.optional("secret", &secret, "a string") {
		var err error
		if request.secret, err = media.ParseSecret(secret); err != nil {
			body.refuse("secret", "secret must be 32 random bytes in base64url without padding.")
		}
	}
	return request, body.err()
}

// parseFile checks what a request says of the file, by the rules of its preset.
func (s *service) parseFile(body *fields, request *grantRequest) {
	var contentType, sum string
	var size float64 // as JSON has it: 1e3 is a whole number too
	rules := request.preset.Rules
	if body.required("contentType", &contentType, "a string") {
		var ok bool
		if request.contentType, ok = media.ParseDeclared(contentType); !ok || request.contentType != media.Undeclared && !rules.Accepts(request.contentType) {
			body.reject("contentType", media.UnsupportedType, refuseFormat(contentType, rules))
		}
	}
	if body.required("bytes", &size, "a number") {
		most := rules.Within(s.Limits).Bytes
		switch {
		case size == 0:
			body.reject("bytes", media.Empty, "The file is empty.")
		case size < 0 || size != math.Trunc(size):
			body.refuse("bytes", "bytes must be a whole number.")
		case size > float64(most):
			beyond, most := media.BytesBeyond(int64(min(size, 1<<62)), most) // JSON has larger numbers
			body.reject("bytes", media.TooManyBytes, fmt.Sprintf("The file has %s; at most %s are accepted.", beyond, most))
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
}

func refuseFormat(contentType string, rules media.Rules) string {
	var accepted []string
	for _, format := range rules.Formats() {
		accepted = append(accepted, strings.TrimPrefix(string(format), "image/"))
	}
	return fmt.Sprintf("Files of the type %q are not accepted, only images of the types %s.", contentType, strings.Join(accepted, ", "))
}

func refusePreset(name string) string { return fmt.Sprintf("There is no preset %q.", name) }
