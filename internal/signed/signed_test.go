package signed_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/signed"
)

func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := signed.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// fromURL undoes CloudFront's base64.
func fromURL(t *testing.T, text string) []byte {
	t.Helper()
	decoded, err := base64.StdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "=", "~", "/").Replace(text))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestAccessIsASignedPolicyForOneUpload(t *testing.T) {
	key := newKey(t)
	signer, err := signed.NewSigner("https://images.example.com", "K2JCJMDEHXQW5F", key)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	access, err := signer.Access("mzxw6ytboi2gk3tdmuqhg5dbna", now)
	if err != nil {
		t.Fatal(err)
	}
	query, err := url.ParseQuery(access.Query)
	if err != nil || query.Encode() == "" || len(query) != 3 || query.Get("Key-Pair-Id") != "K2JCJMDEHXQW5F" {
		t.Fatalf("query %q, %v", access.Query, err)
	}
	policy := fromURL(t, query.Get("Policy"))
	const want = `{"Statement":[{"Resource":"https://images.example.com/p/mzxw6ytboi2gk3tdmuqhg5dbna/*","Condition":{"DateLessThan":{"AWS:EpochTime":1767373200}}}]}`
	if got := strings.TrimSpace(string(policy)); got != want {
		t.Errorf("policy\ngot  %s\nwant %s", got, want)
	}
	if want := time.Date(2026, 1, 2, 17, 0, 0, 0, time.UTC); !access.ExpiresAt.Equal(want) {
		t.Errorf("expires %v, want %v", access.ExpiresAt, want)
	}
	public, err := signed.PublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(public)
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha1.Sum(policy)
	if err := rsa.VerifyPKCS1v15(parsed.(*rsa.PublicKey), crypto.SHA1, digest[:], fromURL(t, query.Get("Signature"))); err != nil {
		t.Error(err)
	}
}

func TestAccessIsTheSameWithinAnHourAndValidForOneAtLeast(t *testing.T) {
	signer, err := signed.NewSigner("https://a.example", "K", newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	hour := time.Date(2026, 1, 2, 15, 0, 0, 0, time.UTC)
	first, err := signer.Access(media.NewID(), hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, time.Minute, time.Hour - 1, time.Hour} {
		now := hour.Add(after)
		access, err := signer.Access(media.NewID(), now)
		if err != nil {
			t.Fatal(err)
		}
		if left := access.ExpiresAt.Sub(now); left < time.Hour || left > signed.Longest {
			t.Errorf("after %v: valid for %v", after, left)
		}
		if (access.ExpiresAt == first.ExpiresAt) != (after < time.Hour) {
			t.Errorf("after %v: expires %v", after, access.ExpiresAt)
		}
	}
}

func TestWhatIsNoSigningKeyIsRefusedAndNotQuoted(t *testing.T) {
	key := newKey(t)
	public, err := signed.PublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(key)
	block.Bytes = block.Bytes[:len(block.Bytes)-1]
	for name, text := range map[string][]byte{
		"nothing": nil, "text": []byte("secret-text"), "public half": public, "cut off": pem.EncodeToMemory(block),
		"certificate": bytes.ReplaceAll(key, []byte("PRIVATE KEY"), []byte("CERTIFICATE")),
	} {
		_, err := signed.NewSigner("https://a.example", "K", text)
		if err == nil || strings.Contains(err.Error(), "secret-text") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
