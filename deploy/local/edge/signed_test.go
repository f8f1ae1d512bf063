package edge_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/deploy/local/edge"
	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/signed"
)

// keyPair is a key of a group, and what signs with it.
type keyPair struct {
	id      string
	private []byte
}

func newKeyPair(t *testing.T, id string) keyPair {
	t.Helper()
	private, err := signed.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{id, private}
}

// access signs for an upload of a site at some time.
func (k keyPair) access(t *testing.T, site string, id media.ID, at time.Time) string {
	t.Helper()
	signer, err := signed.NewSigner(site, k.id, k.private)
	if err != nil {
		t.Fatal(err)
	}
	access, err := signer.Access(id, at)
	if err != nil {
		t.Fatal(err)
	}
	return access.Query
}

// startSigned serves the production's behaviors, with keys, over an origin that says that it
// was asked.
func startSigned(t *testing.T, keys ...keyPair) (site string) {
	t.Helper()
	public := make(map[string][]byte)
	for _, key := range keys {
		var err error
		if public[key.id], err = signed.PublicKey(key.private); err != nil {
			t.Fatal(err)
		}
	}
	group, err := edge.ParseKeyGroup(public)
	if err != nil {
		t.Fatal(err)
	}
	distribution, err := template.Deployment{UploadOrigin: uploadOrigin}.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	origin := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL.Path) })
	handler, err := edge.New(distribution, map[string]http.Handler{"site": origin, "api": origin, "output": origin}, group)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// fetch returns status and body of a GET.
func fetch(t *testing.T, target string) (int, string) {
	t.Helper()
	response, body := send(t, "GET", target)
	return response.StatusCode, body
}

func TestOneSignatureOpensEverythingOfAnUpload(t *testing.T) {
	key := newKeyPair(t, "KLOCAL")
	site := startSigned(t, key, newKeyPair(t, "KNEXT"))
	id := media.NewID()
	query := key.access(t, site, id, time.Now())
	for path, want := range map[string]string{
		"/p/" + string(id) + "/manifest.json":     "/p/" + string(id) + "/manifest.json",
		"/p/" + string(id) + "/0a1b2c3d/320.webp": "/p/" + string(id) + "/0a1b2c3d/320.webp",
		"/p/" + string(id) + "/0a1b2c3d/320":      "/p/" + string(id) + "/0a1b2c3d/320.jpg", // the function still runs
	} {
		if status, body := fetch(t, site+path+"?"+query); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// TestNoOtherSignatureOpensAnything is the part of the tamper matrix that is about signed
// URLs: every case on every kind of path.
func TestNoOtherSignatureOpensAnything(t *testing.T) {
	key, foreign := newKeyPair(t, "KLOCAL"), newKeyPair(t, "KLOCAL")
	site := startSigned(t, key)
	id, other := media.NewID(), media.NewID()
	now := time.Now()
	good, err := url.ParseQuery(key.access(t, site, id, now))
	if err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		query := url.Values{"Policy": good["Policy"], "Signature": good["Signature"], "Key-Pair-Id": good["Key-Pair-Id"]}
		if query.Set(name, value); value == "" {
			query.Del(name)
		}
		return query.Encode()
	}
	cases := map[string]string{
		"nothing":              "",
		"no policy":            with("Policy", ""),
		"no signature":         with("Signature", ""),
		"no key":               with("Key-Pair-Id", ""),
		"unknown key":          with("Key-Pair-Id", "KOTHER"),
		"key in other case":    with("Key-Pair-Id", "klocal"),
		"another's signature":  foreign.access(t, site, id, now),
		"of another upload":    key.access(t, site, other, now),
		"of another site":      key.access(t, "http://other.example", id, now),
		"of another scheme":    key.access(t, strings.Replace(site, "http:", "https:", 1), id, now),
		"expired":              key.access(t, site, id, now.Add(-signed.Longest)),
		"two policies":         with("", "x") + "&Policy=" + good.Get("Policy"),
		"two signatures":       with("", "x") + "&Signature=" + good.Get("Signature"),
		"malformed query":      with("", "x") + ";%zz",
		"policy in base64":     with("Policy", strings.ReplaceAll(good.Get("Policy"), "_", "=")),
		"policy of more":       with("Policy", good.Get("Policy")+"AAAA"),
		"empty signature":      with("Signature", "_"),
		"short signature":      with("Signature", good.Get("Signature")[:340]),
		"signature turned":     with("Signature", good.Get("Signature")[4:]+good.Get("Signature")[:4]),
		"a canned policy":      "Expires=9999999999&Signature=" + good.Get("Signature") + "&Key-Pair-Id=KLOCAL",
		"everything, unsigned": with("Policy", forged(t, `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}}]}`)),
		"later, unsigned":      with("Policy", forged(t, fmt.Sprintf(`{"Statement":[{"Resource":"%s/p/%s/*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}}]}`, site, id))),
		"no expiry":            signedPolicy(t, key, fmt.Sprintf(`{"Statement":[{"Resource":"%s/p/%s/*"}]}`, site, id)),
		"two statements":       signedPolicy(t, key, `{"Statement":[{"Resource":"*","Condition":{"DateLessThan":{"AWS:EpochTime":9999999999}}},{"Resource":"*"}]}`),
		"no statement":         signedPolicy(t, key, `{"Statement":[]}`),
		"another condition":    signedPolicy(t, key, fmt.Sprintf(`{"Statement":[{"Resource":"%s/p/%s/*","Condition":{"IpAddress":{"AWS:SourceIp":"192.0.2.1/32"},"DateLessThan":{"AWS:EpochTime":9999999999}}}]}`, site, id)),
		"no JSON":              signedPolicy(t, key, `Resource`),
	}
	for at := 0; at < len(good.Get("Signature")); at += 20 {
		cases[fmt.Sprintf("signature other at %d", at)] = with("Signature", altered(good.Get("Signature"), at))
	}
	for at := 0; at < len(good.Get("Policy")); at += 10 {
		cases[fmt.Sprintf("policy other at %d", at)] = with("Policy", altered(good.Get("Policy"), at))
	}
	count := 0
	for name, query := range cases {
		for _, path := range []string{"manifest.json", "0a1b2c3d/320.webp", "0a1b2c3d/320"} {
			count++
			if status, body := fetch(t, site+"/p/"+string(id)+"/"+path+"?"+query); status != http.StatusForbidden {
				t.Errorf("%s: %s: %d %s", name, path, status, body)
			}
		}
	}
	// The path may hold what another part of the way reads differently.
	for _, path := range []string{"/p/" + string(other) + "/../" + string(id) + "/a.webp", "/p//" + string(id) + "/a.webp", "/p/%2e%2e/" + string(id) + "/a.webp", "/p/", "/p/a"} {
		count++
		if status, body := fetch(t, site+path+"?"+good.Encode()); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if count < 120 {
		t.Errorf("only %d cases", count)
	}
	t.Logf("%d cases, none got through", count)
}

// altered changes the character at a place.
func altered(text string, at int) string {
	other := "A"
	if text[at] == 'A' {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

// cloudFront makes base64 CloudFront's.
func cloudFront(text string) string {
	return strings.NewReplacer("+", "-", "=", "_", "/", "~").Replace(text)
}

func forged(t *testing.T, policy string) string {
	t.Helper()
	return cloudFront(base64.StdEncoding.EncodeToString([]byte(policy)))
}

// signedPolicy is a query whose signature is right, for a policy of any text.
func signedPolicy(t *testing.T, key keyPair, policy string) string {
	t.Helper()
	block, _ := pem.Decode(key.private)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha1.Sum([]byte(policy))
	signature, err := rsa.SignPKCS1v15(rand.Reader, parsed.(*rsa.PrivateKey), crypto.SHA1, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return "Policy=" + forged(t, policy) + "&Signature=" + cloudFront(base64.StdEncoding.EncodeToString(signature)) + "&Key-Pair-Id=" + key.id
}
