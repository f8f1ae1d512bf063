package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

const audience = "presize"

// issuer is an OpenID provider, as far as tokens are checked against one.
type issuer struct {
	t   *testing.T
	url string
	key *rsa.PrivateKey
}

func startIssuer(t *testing.T) issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := issuer{t: t, key: key}
	mux := http.NewServeMux()
	answer := func(path string, document func() any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if err := json.NewEncoder(w).Encode(document()); err != nil {
				t.Error(err)
			}
		})
	}
	answer("/.well-known/openid-configuration", func() any {
		return map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}}
	})
	answer("/keys", func() any {
		return jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}}
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

// settings are those of a stack that requires the issuer's tokens.
func (i issuer) settings(s *settings) { s.jwtIssuer, s.jwtAudience = i.url, "other,"+audience }

// claims are those of a token that is accepted.
func (i issuer) claims(subject string) map[string]any {
	return map[string]any{"iss": i.url, "aud": audience, "sub": subject, "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix()}
}

// token signs claims.
func (i issuer) token(key *rsa.PrivateKey, claims map[string]any) string {
	i.t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		i.t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		i.t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		i.t.Fatal(err)
	}
	return token
}

func TestOwnersSeeAndDeleteTheirOwnUploads(t *testing.T) {
	original := phototest.Read(t, "test.png")
	issuer := startIssuer(t)
	stack := startStack(t, issuer.settings)
	alice := "Bearer " + issuer.token(issuer.key, issuer.claims("alice"))
	bob := "Bearer " + issuer.token(issuer.key, issuer.claims("bob"))
	var m media.Manifest
	stack.sendJSON("POST", "/api/v1/images?preset=avatar", original, http.StatusAccepted, &m, "Authorization", alice)
	path := media.StatusURL(m.ID)
	for !m.Complete {
		stack.sendJSON("GET", path, nil, http.StatusOK, &m, "Authorization", alice, "Prefer", "wait=20")
	}
	for want, authorization := range map[int]string{http.StatusUnauthorized: "", http.StatusNotFound: bob} {
		if response, _ := stack.send("GET", path, nil, "Authorization", authorization); response.StatusCode != want {
			t.Errorf("%.10q: %s", authorization, response.Status)
		}
	}
	if response, _ := stack.send("DELETE", path, nil, "Authorization", bob); response.StatusCode != http.StatusForbidden {
		t.Errorf("bob deletes: %s", response.Status)
	}
	for _, public := range []string{media.URL(media.ManifestKey(m.ID)), m.Variants[0].URL} {
		response, body := stack.send("GET", public, nil)
		if response.StatusCode != http.StatusOK || strings.Contains(fmt.Sprint(response.Header)+string(body), "alice") {
			t.Errorf("%s: %s %v %s", public, response.Status, response.Header, body)
		}
	}
	if response, _ := stack.send("DELETE", path, nil, "Authorization", alice); response.StatusCode != http.StatusAccepted {
		t.Errorf("alice deletes: %s", response.Status)
	}
}

func TestTokensOfOthersAreRefused(t *testing.T) {
	issuer := startIssuer(t)
	stack := startStack(t, issuer.settings)
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(name string, value any) map[string]any {
		claims := issuer.claims("alice")
		claims[name] = value
		return claims
	}
	good := issuer.token(issuer.key, issuer.claims("alice"))
	header, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	none := "eyJhbGciOiJub25lIn0" // {"alg":"none"}
	for name, token := range map[string]string{
		"nothing":           "",
		"another key":       issuer.token(foreign, issuer.claims("alice")),
		"another issuer":    issuer.token(issuer.key, with("iss", "https://evil.example")),
		"another audience":  issuer.token(issuer.key, with("aud", "else")),
		"no audience":       issuer.token(issuer.key, with("aud", []string{})),
		"expired":           issuer.token(issuer.key, with("exp", time.Now().Add(-time.Hour).Unix())),
		"not yet":           issuer.token(issuer.key, with("nbf", time.Now().Add(time.Hour).Unix())),
		"no signature":      header + "." + payload + ".",
		"algorithm none":    none + "." + payload + ".",
		"none, signed":      none + "." + payload + "." + signature,
		"another payload":   header + "." + strings.Split(issuer.token(issuer.key, issuer.claims("bob")), ".")[1] + "." + signature,
		"half of a token":   good[:len(good)/2],
		"twice":             good + "." + good,
		"a secret":          media.NewSecret().Reveal(),
		"the subject alone": "alice",
	} {
		for _, scheme := range []string{"Bearer ", "Basic ", ""} {
			response, body := stack.send("POST", "/api/v1/uploads", []byte(`{"contentType":"image/png","bytes":1}`),
				"Content-Type", "application/json", "Authorization", scheme+token)
			if response.StatusCode != http.StatusUnauthorized || strings.Contains(string(body), "upload") {
				t.Errorf("%s%s: %s %s", scheme, name, response.Status, body)
			}
		}
	}
	response, _ := stack.send("POST", "/api/v1/uploads", []byte(`{"contentType":"image/png","bytes":1}`), "Content-Type", "application/json", "Authorization", "Bearer "+good)
	if response.StatusCode != http.StatusCreated {
		t.Errorf("the good token: %s", response.Status)
	}
}

func TestRoutesThatNeedNoTokenAreThoseOfTheDeployment(t *testing.T) {
	deployment := string(readFile(t, filepath.Join("..", "..", "serverless.yml")))
	asking := []string{"ANY /api/{proxy+}", "DELETE /api/{proxy+}"}
	open := 0
	for line := range strings.Lines(deployment) {
		if route, ok := strings.CutPrefix(strings.TrimSpace(line), "- httpApi: "); ok && !slices.Contains(asking, route) {
			method, path, _ := strings.Cut(route, " ")
			if !isOpen(httptest.NewRequest(method, strings.Replace(path, "{proxy+}", "v1/uploads", 1), nil)) {
				t.Errorf("%s requires a token here", route)
			}
			open++
		}
	}
	if open != 4 {
		t.Errorf("%d open routes in the deployment", open)
	}
	for method, path := range map[string]string{"GET": "/api/v1/uploads/x", "DELETE": "/api/v1/uploads/x", "POST": "/api/v1/presets"} {
		if isOpen(httptest.NewRequest(method, path, nil)) {
			t.Errorf("%s %s requires no token here", method, path)
		}
	}
}

func TestSigningKeyStaysTheSame(t *testing.T) {
	data, err := openData(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	first, err := data.signingKey()
	if err != nil {
		t.Fatal(err)
	}
	again, err := data.signingKey()
	if err != nil || string(again) != string(first) {
		t.Errorf("it changed: %v", err)
	}
	if info, err := os.Stat(filepath.Join(data.dir, "signing-key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if err := data.close(); err != nil {
		t.Fatal(err)
	}
}

func TestIssuerWithoutAnAudienceIsRefused(t *testing.T) {
	for _, name := range []string{"PRESIZE_JWT_ISSUER", "PRESIZE_JWT_AUDIENCE"} {
		_, err := readSettings(lookupIn(map[string]string{name: "x"}))
		if err == nil || !strings.Contains(err.Error(), "set both or neither") {
			t.Errorf("%s alone: %v", name, err)
		}
	}
}
