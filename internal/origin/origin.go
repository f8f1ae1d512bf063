// Package origin lets an HTTP API answer only requests that come through its CDN. The CDN
// sends a secret in a header, and the API knows the secret's digest. Without the secret,
// clients could go past the CDN and its protection, because the API has its own address.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
package origin

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Header carries the secret. CloudFront replaces what a client sends in it.
const Header = "X-Origin-Secret"

// NewSecret returns a random secret of 256 bits.
func NewSecret() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return base64.RawURLEncoding.EncodeToString(secret)
}

// Digests are the SHA-256 digests of the secrets that are accepted. There are two of them
// while the secret is replaced.
type Digests [][]byte

// Digest returns a secret's digest in hexadecimal digits. It does not reveal the secret.
func Digest(secret string) string {
	digest := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(digest[:])
}

// ParseDigests reads digests in hexadecimal digits, with commas between them. It ignores
// empty ones.
func ParseDigests(text string) (Digests, error) {
	var digests Digests
	for field := range strings.SplitSeq(text, ",") {
		if field == "" {
			continue
		}
		digest, err := hex.DecodeString(field)
		if err != nil {
			return nil, fmt.Errorf("digest of a secret: %w", err)
		}
		if len(digest) != sha256.Size {
			return nil, errors.New("digest of a secret: want 64 hexadecimal digits")
		}
		digests = append(digests, digest)
	}
	return digests, nil
}

// Guard answers 403 to requests without one of the secrets. Without digests it lets
// everything through.
func (d Digests) Guard(next http.Handler) http.Handler {
	if len(d) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.accept(r.Header.Get(Header)) {
			w.Header().Set("Content-Type", "application/json") // as API Gateway refuses requests
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"message":"Forbidden"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// accept compares in constant time.
func (d Digests) accept(secret string) bool {
	digest := sha256.Sum256([]byte(secret))
	found := 0
	for _, accepted := range d {
		found |= subtle.ConstantTimeCompare(accepted, digest[:])
	}
	return found == 1
}

// Send is a CDN in front of next: it sends the secret with every request, in place of one
// that the client has sent.
func Send(secret string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Set(Header, secret)
		next.ServeHTTP(w, r)
	})
}
