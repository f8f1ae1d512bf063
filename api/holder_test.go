package api

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/signed"
)

// withPrivate makes the preset avatar private, and gives the API a signer.
func withPrivate(t *testing.T) func(*Config) {
	t.Helper()
	key, err := signed.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) {
		c.Presets = mediatest.Presets()
		c.Presets[1].Private = true
		if c.Signer, err = signed.NewSigner("https://images.example", "K2JCJMDEHXQW5F", key); err != nil {
			t.Fatal(err)
		}
	}
}

// attempt is a request with a proof that proves nothing.
type attempt struct {
	name    string
	query   string
	headers []string
}

// forgeries are for the upload of the secret, whose owner is owner.
func forgeries(secret media.Secret, owner string) []attempt {
	right := secret.Reveal()
	all := []attempt{
		{"nothing", "", nil},
		{"empty secret", "", []string{secretHeader, ""}},
		{"another secret", "", []string{secretHeader, media.NewSecret().Reveal()}},
		{"the id", "", []string{secretHeader, string(secret.ID())}},
		{"cut off", "", []string{secretHeader, right[:42]}},
		{"one more", "", []string{secretHeader, right + "A"}},
		{"padded", "", []string{secretHeader, right + "="}},
		{"quoted", "", []string{secretHeader, `"` + right + `"`}},
		{"percent-encoded", "", []string{secretHeader, "%" + fmt.Sprintf("%02X", right[0]) + right[1:]}},
		{"other case", "", []string{secretHeader, swapCase(right)}},
		{"backwards", "", []string{secretHeader, reverse(right)}},
		{"all zero", "", []string{secretHeader, strings.Repeat("A", 43)}},
		{"a wrong one first", "", []string{secretHeader, media.NewSecret().Reveal(), secretHeader, right}},
		{"two in one", "", []string{secretHeader, right + ", " + right}},
		{"in the query", "?secret=" + right + "&Upload-Secret=" + right, nil},
		{"as a cookie", "", []string{"Cookie", "Upload-Secret=" + right}},
		{"as a basic password", "", []string{"Authorization", "Basic " + right}},
		{"as a token", "", as(right)},
		{"another subject", "", as(owner + "x")},
		{"a shorter subject", "", as(owner[:len(owner)-1])},
		{"the subject in capitals", "", as(strings.ToUpper(owner))},
		{"no subject", "", as("")},
		{"the id as the subject", "", as(string(secret.ID()))},
		{"the subject in a header", "", []string{"X-Subject", owner, "X-Amzn-Oidc-Identity", owner, "X-Forwarded-User", owner, "Owner", owner}},
		{"the subject in the query", "?sub=" + owner, nil},
		{"the stored metadata", "", []string{"X-Amz-Meta-Owner", owner}},
	}
	for at := range right {
		other := "A"
		if right[at] == 'A' {
			other = "Q" // one bit, which counts at the last place too
		}
		all = append(all, attempt{fmt.Sprintf("other at %d", at), "", []string{secretHeader, right[:at] + other + right[at+1:]}})
	}
	return all
}

func swapCase(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, text)
}

func reverse(text string) string {
	letters := []byte(text)
	slices.Reverse(letters)
	return string(letters)
}

// TestNothingButSecretAndOwnersTokenOpens counts its cases: the matrix must not shrink
// unseen.
func TestNothingButSecretAndOwnersTokenOpens(t *testing.T) {
	h := start(t, withPrivate(t))
	const owner = "auth0|5f7c8ec7c33c6c004bbafe82"
	cases := 0
	for _, target := range []struct {
		name    string
		label   media.Label
		status  kind // of GET; "" where everyone may ask
		subject bool // its owner's token opens it
	}{
		{"public", media.Label{Preset: "photo"}, "", false},
		{"owned", media.Label{Preset: "photo", Owner: owner}, uploadNotFound, true},
		{"private", media.Label{Preset: "avatar", Private: true}, uploadNotFound, false},
		{"private and owned", media.Label{Preset: "avatar", Private: true, Owner: owner}, uploadNotFound, true},
	} {
		secret := media.NewSecret()
		path := media.StatusURL(secret.ID())
		h.putLabelled(secret.ID(), target.label, "bytes")
		for _, forgery := range forgeries(secret, owner) {
			t.Run(target.name+"/"+forgery.name, func(t *testing.T) {
				cases++
				h := &harness{Env: h.Env, t: t, url: h.url, client: h.client}
				wantProblem(t, h.do("DELETE", path+forgery.query, nil, forgery.headers...), forbidden)
				reply := h.do("GET", path+forgery.query, nil, forgery.headers...)
				if target.status == "" {
					decode[media.Manifest](t, reply, http.StatusOK)
				} else {
					cases++
					wantProblem(t, reply, target.status)
				}
			})
		}
		if target.subject {
			decode[media.Manifest](t, h.do("GET", path, nil, as(owner)...), http.StatusOK)
		}
		decode[media.Manifest](t, h.do("GET", path, nil, secretHeader, secret.Reveal()), http.StatusOK)
		if !slices.Contains(h.originals(), media.OriginalKey(secret.ID())) {
			t.Errorf("%s: it was deleted", target.name)
		}
		if reply := h.do("DELETE", path, nil, secretHeader, secret.Reveal()); reply.status != http.StatusAccepted {
			t.Errorf("%s: the secret itself: %d", target.name, reply.status)
		}
	}
	if cases < 400 {
		t.Errorf("only %d cases", cases)
	}
	t.Logf("%d forgeries, none got through", cases)
}

func TestOwnerSeesAndDeletesWithTheTokenAlone(t *testing.T) {
	h := start(t)
	body := []byte("0123456789")
	request := fmt.Sprintf(`{"contentType":"image/png","bytes":%d,"reference":"order/17 ☃"}`, len(body))
	grant := decode[granted](t, h.do("POST", "/api/v1/uploads", []byte(request), append(as("alice"), "Content-Type", "application/json")...), http.StatusCreated)
	if status := send(t, grant.Upload.put(t, body)); status != http.StatusOK {
		t.Fatal(status)
	}
	wantProblem(t, h.do("GET", grant.StatusURL, nil, as("bob")...), uploadNotFound)
	got := decode[uploadStatus](t, h.do("GET", grant.StatusURL, nil, as("alice")...), http.StatusOK)
	if got.Reference != "order/17 ☃" || got.Secret != "" || got.Access != nil {
		t.Errorf("got %+v", got)
	}
	h.putManifest(readyManifest(grant.ID, true))
	wantProblem(t, h.do("GET", grant.StatusURL, nil), uploadNotFound)
	reply := h.do("GET", grant.StatusURL, nil, as("alice")...)
	if got := decode[uploadStatus](t, reply, http.StatusOK); got.Reference != "order/17 ☃" || !got.Complete {
		t.Errorf("got %+v", got)
	}
	if got := reply.header.Get("Vary"); got != "Authorization, Prefer, Upload-Secret" {
		t.Errorf("Vary: %q", got)
	}
	wantProblem(t, h.do("DELETE", grant.StatusURL, nil, as("bob")...), forbidden)
	if reply := h.do("DELETE", grant.StatusURL, nil, as("alice")...); reply.status != http.StatusAccepted {
		t.Errorf("delete: %d", reply.status)
	}
	// Whose it was stood in the original.
	wantProblem(t, h.do("DELETE", grant.StatusURL, nil, as("alice")...), forbidden)
}

func TestTokenWithoutASubjectUploadsNothing(t *testing.T) {
	h := start(t)
	for _, subject := range []string{"", strings.Repeat("s", media.MaxOwner+1)} {
		request := []byte(`{"contentType":"image/png","bytes":1}`)
		wantProblem(t, h.do("POST", "/api/v1/uploads", request, append(as(subject), "Content-Type", "application/json")...), forbidden)
		wantProblem(t, h.do("POST", "/api/v1/images", pngHead, append(as(subject), "Content-Type", "image/png")...), forbidden)
	}
	if got := h.originals(); got != nil {
		t.Errorf("stored %q", got)
	}
}

func TestReferenceIsToldToThoseWhoOwnTheUpload(t *testing.T) {
	h := start(t)
	secret := media.NewSecret()
	h.putLabelled(secret.ID(), media.Label{Preset: "photo", Reference: "order/17"}, "bytes")
	path := media.StatusURL(secret.ID())
	for want, headers := range map[string][]string{"": nil, "order/17": {secretHeader, secret.Reveal()}} {
		if got := decode[uploadStatus](t, h.do("GET", path, nil, headers...), http.StatusOK); got.Reference != want {
			t.Errorf("got %q, want %q", got.Reference, want)
		}
	}
}

func TestPrivateUploadIsToldWithSignedURLs(t *testing.T) {
	h := start(t, withPrivate(t))
	secret := media.NewSecret()
	body := []byte("0123456789")
	grant := decode[granted](t, h.askGrant(fmt.Sprintf(`{"contentType":"image/png","bytes":10,"preset":"avatar","secret":%q}`, secret.Reveal())), http.StatusCreated)
	if !strings.HasPrefix(grant.Image.ManifestURL, "/p/") || !strings.HasPrefix(grant.Image.Variants[0].URL, "/p/") {
		t.Errorf("image: %+v", grant.Image)
	}
	if status := send(t, grant.Upload.put(t, body)); status != http.StatusOK {
		t.Fatal(status)
	}
	path := media.StatusURL(secret.ID())
	wantProblem(t, h.do("GET", path, nil), uploadNotFound)
	h.putManifest(readyManifest(secret.ID(), true)) // of an earlier, public upload: it is not what is told
	got := decode[uploadStatus](t, h.do("GET", path, nil, secretHeader, secret.Reveal()), http.StatusOK)
	if got.Status != media.Processing || got.Access == nil {
		t.Errorf("got %+v", got)
	}
	preset := mediatest.Preset("photo")
	preset.Private = true
	manifest := manifestOf(preset, secret.ID(), true)
	h.putIn(media.Private, manifest)
	got = decode[uploadStatus](t, h.do("GET", path, nil, secretHeader, secret.Reveal()), http.StatusOK)
	if got.Access == nil || !reflect.DeepEqual(got.Manifest, manifest.Signed(got.Access.Query)) {
		t.Fatalf("got %+v", got)
	}
	if left := time.Until(got.Access.ExpiresAt); left < time.Hour-time.Minute || left > signed.Longest {
		t.Errorf("valid for %v", left)
	}
	// Its original has expired: only the secret still opens it.
	if err := h.Input.Delete(t.Context(), media.OriginalKey(secret.ID())); err != nil {
		t.Fatal(err)
	}
	if err := h.Output.Delete(t.Context(), media.ManifestKey(secret.ID())); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, h.do("GET", path, nil, as("alice")...), uploadNotFound)
	got = decode[uploadStatus](t, h.do("GET", path, nil, secretHeader, secret.Reveal()), http.StatusOK)
	if got.Access == nil || got.Status != media.Ready {
		t.Errorf("after its original has expired: %+v", got)
	}
}

func TestRulesOfAPresetBoundItsGrants(t *testing.T) {
	h := start(t, func(c *Config) {
		c.Presets = mediatest.Presets()
		c.Presets[0].Rules = media.Rules{Accept: []media.Format{media.JPEG, media.HEIC}, MaxBytes: 1000, MinWidth: 200}
	})
	for body, pointer := range map[string]string{
		`{"contentType":"image/jpeg","bytes":1000}`:                  "",
		`{"contentType":"image/heif","bytes":1}`:                     "",
		`{"contentType":"image/png","bytes":1}`:                      "#/contentType",
		`{"contentType":"image/jpeg","bytes":1001}`:                  "#/bytes",
		`{"contentType":"image/png","bytes":1001,"preset":"avatar"}`: "",
	} {
		reply := h.askGrant(body)
		if pointer == "" {
			decode[granted](t, reply, http.StatusCreated)
		} else if got := wantProblem(t, reply, invalidRequest); len(got.Errors) != 1 || got.Errors[0].Pointer != pointer {
			t.Errorf("%s: %+v", body, got)
		}
	}
	wantProblem(t, h.do("POST", "/api/v1/images", pngHead, "Content-Type", "image/png"), unsupportedType)
	wantProblem(t, h.do("POST", "/api/v1/images", pngHead), unsupportedType)
	wantProblem(t, h.do("POST", "/api/v1/images", make([]byte, 1001), "Content-Type", "image/jpeg"), bodyTooLarge)
	offered := decode[struct{ Presets []offeredPreset }](t, h.do("GET", "/api/v1/presets", nil), http.StatusOK).Presets
	if got := offered[0]; !slices.Equal(got.Accept, []media.Format{media.JPEG, media.HEIC}) || got.MaxBytes != 1000 || got.MinWidth != 200 {
		t.Errorf("offered %+v", got)
	}
	if got := offered[1]; !slices.Equal(got.Accept, media.Accepted()) || got.MaxBytes != media.DefaultLimits().Bytes {
		t.Errorf("offered %+v", got)
	}
}
