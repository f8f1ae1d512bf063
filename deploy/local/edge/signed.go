package edge

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/presize/presize/deploy/template"
)

// KeyGroup holds the public keys that signed URLs are checked with, by their ids.
type KeyGroup map[string]*rsa.PublicKey

// ParseKeyGroup reads public keys in PEM, by their ids.
func ParseKeyGroup(keys map[string][]byte) (KeyGroup, error) {
	group := make(KeyGroup)
	for id, text := range keys {
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("public key %s: not PEM", id)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("public key %s: %w", id, err)
		}
		key, ok := parsed.(*rsa.PublicKey)
		if !ok {
			return nil, fmt.Errorf("public key %s: not RSA", id)
		}
		group[id] = key
	}
	return group, nil
}

// policy is a custom policy, as far as the service makes any. Other conditions of
// CloudFront's are refused.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-custom-policy.html
type policy struct {
	Statement []struct {
		Resource  string
		Condition struct {
			DateLessThan struct {
				EpochTime int64 `json:"AWS:EpochTime"`
			}
		}
	}
}

// before returns next behind the check of signatures. Like CloudFront it answers 403
// to what is not signed, before it looks for anything.
func (g KeyGroup) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := g.check(r, time.Now()); err != nil {
			http.Error(w, "access denied: "+err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// check reports why a request is not signed for what it asks for.
func (g KeyGroup) check(r *http.Request, now time.Time) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return errors.New("malformed query")
	}
	for _, name := range []string{"Policy", "Signature", "Key-Pair-Id"} {
		if len(query[name]) != 1 {
			return fmt.Errorf("want %s once", name)
		}
	}
	key, ok := g[query.Get("Key-Pair-Id")]
	if !ok {
		return errors.New("unknown key")
	}
	document, err := decode(query.Get("Policy"))
	if err != nil {
		return errors.New("malformed policy")
	}
	signature, err := decode(query.Get("Signature"))
	if err != nil {
		return errors.New("malformed signature")
	}
	digest := sha1.Sum(document) // CloudFront knows no other for RSA
	if rsa.VerifyPKCS1v15(key, crypto.SHA1, digest[:], signature) != nil {
		return errors.New("wrong signature")
	}
	return checkPolicy(document, "http://"+r.Host+r.URL.EscapedPath(), now)
}

// checkPolicy reports why a policy does not permit a URL.
func checkPolicy(document []byte, target string, now time.Time) error {
	var p policy
	decoder := json.NewDecoder(strings.NewReader(string(document)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil || len(p.Statement) != 1 {
		return errors.New("malformed policy")
	}
	statement := p.Statement[0]
	switch {
	case !template.PathPattern(statement.Resource).MatchString(target):
		return errors.New("signed for something else")
	case now.Unix() >= statement.Condition.DateLessThan.EpochTime:
		return errors.New("expired")
	}
	return nil
}

// decode undoes CloudFront's base64, which has other characters for those that mean
// something in a URL.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "+/=\r\n") {
		return nil, errors.New("not CloudFront's base64")
	}
	return base64.StdEncoding.Strict().DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(text))
}
