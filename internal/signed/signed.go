// Package signed makes the signed URLs by which the CDN serves private uploads:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
package signed

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/cloudfront/sign"

	"github.com/presize/presize/internal/media"
)

const (
	// shortest is how long a signature is valid at least.
	shortest = time.Hour
	// Longest is how long a signature is valid at most. A key must stay in the CDN's
	// key group for that long after its last use.
	Longest = 2 * time.Hour

	// keyBits is the size of an RSA key that CloudFront takes.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
	keyBits = 2048

	privateType, publicType = "PRIVATE KEY", "PUBLIC KEY"
)

// Access is the permission to see everything that is published for one upload.
type Access struct {
	Query     string    `json:"query"` // of every URL, without its question mark
	ExpiresAt time.Time `json:"expiresAt"`
}

// Signer signs for the uploads of one site. It is safe for concurrent use.
type Signer struct {
	site  string
	keyID string
	key   crypto.Signer
}

// NewSigner returns a signer for the site, which is a URL without a path. The key is
// PEM as [NewKey] makes it, and keyID the id that the CDN knows its public half by.
func NewSigner(site, keyID string, key []byte) (*Signer, error) {
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	return &Signer{site, keyID, private}, nil
}

// Access signs for all objects of a private upload, from now on. It expires on the hour,
// so the query stays the same within an hour, and browsers can use their caches.
func (s *Signer) Access(id media.ID, now time.Time) (Access, error) {
	expires := now.UTC().Truncate(Longest - shortest).Add(Longest)
	policy := sign.Policy{Statements: []sign.Statement{{
		Resource:  s.site + media.URL(media.Private.Prefix(id)) + "*",
		Condition: sign.Condition{DateLessThan: sign.NewAWSEpochTime(expires)},
	}}}
	signature, document, err := policy.Sign(s.key)
	if err != nil {
		return Access{}, fmt.Errorf("sign access: %w", err)
	}
	// Policy and signature are in CloudFront's own base64, which needs no escaping.
	query := fmt.Sprintf("Policy=%s&Signature=%s&Key-Pair-Id=%s", document, signature, s.keyID)
	return Access{Query: query, ExpiresAt: expires}, nil
}

// NewKey returns a fresh private key as PEM (PKCS #8, RFC 5208).
func NewKey() ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateType, Bytes: der}), nil
}

// PublicKey returns the public half of a private key, as PEM for the CDN.
func PublicKey(key []byte) ([]byte, error) {
	private, err := parseKey(key)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("public half of the signing key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: publicType, Bytes: der}), nil
}

// parseKey never quotes what it reads.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != privateType {
		return nil, errors.New("signing key: not a private key in PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("signing key: not a private key of PKCS #8")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok || private.N.BitLen() != keyBits {
		return nil, fmt.Errorf("signing key: not an RSA key of %d bits", keyBits)
	}
	return private, nil
}
