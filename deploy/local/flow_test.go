package main

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
)

func TestPhotoGoesAllTheWay(t *testing.T) {
	original := phototest.Read(t, "test_exif_full.jpg")
	stack := startStack(t)
	upload := stack.upload(media.JPEG, original)

	ready := stack.await(upload.ID, func(m media.Manifest) bool { return m.Status == media.Ready })
	photo, _ := mediatest.Presets().Find(media.DefaultPreset)
	if got := len(ready.Variants); got != photo.QuickVariants() && !ready.Complete {
		t.Errorf("ready with %d variants, want the %d quick ones", got, photo.QuickVariants())
	}
	m := stack.await(upload.ID, func(m media.Manifest) bool { return m.Complete })
	if m.Original.Width != 3024 || m.Original.Height != 4032 || m.Placeholder == nil || m.Picture == "" {
		t.Errorf("manifest: %+v", m)
	}
	if got, want := urls(m.Variants), urls(upload.Image.Variants); len(got) != len(photo.Variants("")) || !slices.Equal(got, want) {
		t.Errorf("published %q\ngranted   %q", got, want)
	}
	for _, variant := range m.Variants {
		t.Run(path.Base(variant.URL), func(t *testing.T) { checkVariant(t, stack, original, variant) })
	}

	checkAutoURLs(t, stack, m)

	response, published := stack.send("GET", media.URL(media.ManifestKey(upload.ID)), nil)
	if parsed, err := media.ParseManifest(published); err != nil || !parsed.Complete {
		t.Errorf("published manifest: %s %v", response.Status, err)
	}
	checkRemoval(t, stack, m, upload.Secret)
}

// checkAutoURLs compares the answers of each size's auto URL with the variants.
func checkAutoURLs(t *testing.T, stack client, m media.Manifest) {
	t.Helper()
	for _, size := range m.Sizes {
		for accept, format := range map[string]media.Format{
			"image/avif,image/webp,*/*;q=0.8": media.AVIF,
			"image/webp,*/*;q=0.8":            media.WebP,
			"*/*":                             media.JPEG,
		} {
			response, body := stack.send("GET", size.AutoURL, nil, "Accept", accept)
			_, want := stack.send("GET", size.AutoURL+format.Extension(), nil)
			if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != string(format) ||
				response.Header.Get("Vary") != "Accept" || !bytes.Equal(body, want) {
				t.Errorf("%s for %s: %s %q", size.AutoURL, accept, response.Status, response.Header)
			}
		}
	}
	if len(m.Sizes) != 4 {
		t.Errorf("sizes %+v", m.Sizes)
	}
}

func urls(variants []media.Variant) (list []string) {
	for _, variant := range variants {
		list = append(list, variant.URL)
	}
	return list
}

// checkVariant fetches a variant of the upright portrait photo from the CDN.
func checkVariant(t *testing.T, stack client, original []byte, variant media.Variant) {
	response, body := stack.send("GET", variant.URL, nil)
	for name, want := range map[string]string{
		"Content-Type":            string(variant.ContentType),
		"Cache-Control":           "public, max-age=31536000, immutable",
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if response.StatusCode != http.StatusOK || int64(len(body)) != variant.Bytes {
		t.Fatalf("%s, %d bytes of %d", response.Status, len(body), variant.Bytes)
	}
	if format, _ := media.Sniff(body); format != variant.ContentType {
		t.Errorf("the bytes are %q", format)
	}
	if bytes.Contains(body, []byte("Exif")) {
		t.Error("it has EXIF")
	}
	if variant.Width*4 < variant.Height*3-2 || variant.Width*4 > variant.Height*3+2 {
		t.Errorf("%d x %d is not 3:4", variant.Width, variant.Height)
	}
	if variant.ContentType != media.JPEG {
		return
	}
	decoded, err := jpeg.Decode(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if size := decoded.Bounds().Size(); size != image.Pt(variant.Width, variant.Height) {
		t.Errorf("decoded as %v, the manifest says %d x %d", size, variant.Width, variant.Height)
	}
	checkUpright(t, original, decoded)
}

// checkUpright compares a variant with the original, whose pixels lie on their
// side: EXIF orientation 6, to be turned right.
func checkUpright(t *testing.T, original []byte, variant image.Image) {
	t.Helper()
	lying, err := jpeg.Decode(bytes.NewReader(original))
	if err != nil {
		t.Fatal(err)
	}
	const parts = 8
	for row := range parts {
		for column := range parts {
			got := average(variant, column, row, parts)
			want := average(lying, row, parts-1-column, parts)
			for channel := range got {
				if difference := got[channel] - want[channel]; difference < -12 || difference > 12 {
					t.Fatalf("part %d,%d is %v, in the original %v", column, row, got, want)
				}
			}
		}
	}
}

// average is the mean red, green and blue of one of parts x parts tiles.
func average(img image.Image, column, row, parts int) (mean [3]int) {
	size := img.Bounds().Size()
	count := 0
	for y := row * size.Y / parts; y < (row+1)*size.Y/parts; y += 4 {
		for x := column * size.X / parts; x < (column+1)*size.X/parts; x += 4 {
			pixel := color.RGBAModel.Convert(img.At(x, y)).(color.RGBA)
			mean[0] += int(pixel.R)
			mean[1] += int(pixel.G)
			mean[2] += int(pixel.B)
			count++
		}
	}
	for channel := range mean {
		mean[channel] /= count
	}
	return mean
}

// checkRemoval deletes an upload, and waits until nothing of it is left.
func checkRemoval(t *testing.T, stack client, m media.Manifest, secret string) {
	t.Helper()
	if response, answer := stack.send("DELETE", media.StatusURL(m.ID), nil, "Upload-Secret", secret); response.StatusCode != http.StatusAccepted {
		t.Fatalf("delete: %s %s", response.Status, answer)
	}
	stack.awaitStatus(media.StatusURL(m.ID), http.StatusNotFound)
	stack.awaitStatus(media.URL(media.ManifestKey(m.ID)), http.StatusNotFound)
	for _, variant := range m.Variants {
		stack.awaitStatus(variant.URL, http.StatusNotFound)
	}
	for _, size := range m.Sizes {
		stack.awaitStatus(size.AutoURL, http.StatusNotFound)
	}
}

func TestImageCanBePostedToTheAPIItself(t *testing.T) {
	original := phototest.Read(t, "test.png")
	stack := startStack(t)
	var m media.Manifest
	stack.sendJSON("POST", "/api/v1/images?preset=avatar", original, http.StatusAccepted, &m, "Content-Type", "image/png")
	m = stack.await(m.ID, func(m media.Manifest) bool { return m.Complete })
	if m.Preset != "avatar" || len(m.Variants) != 9 {
		t.Errorf("manifest: %+v", m)
	}
}

func TestFileThatIsNoImageIsRejectedWithASentence(t *testing.T) {
	stack := startStack(t)
	upload := stack.upload(media.JPEG, []byte("This is a letter, not a photo."))
	m := stack.await(upload.ID, func(m media.Manifest) bool { return m.Status == media.Rejected })
	if m.Rejection.Code != media.UnsupportedType || !strings.HasSuffix(m.Rejection.Detail, ".") {
		t.Errorf("rejection: %+v", m.Rejection)
	}
}

func TestUploadOutlivesItsOriginalUntilItIsDeleted(t *testing.T) {
	files := map[media.Status][]byte{media.Ready: phototest.Read(t, "test.png"), media.Rejected: []byte("This is a letter, not a photo.")}
	var data string
	stack := startStack(t, func(s *settings) { data = s.data })
	for status, file := range files {
		t.Run(string(status), func(t *testing.T) {
			stack := newClient(t, stack.url)
			upload := stack.upload(media.PNG, file)
			m := stack.await(upload.ID, media.Manifest.Settled)
			stack.awaitWorker(data) // its job looks once more whether the original is there
			// Like a lifecycle rule, this sends no event. The server's directory is the process's.
			if err := os.Remove(filepath.Join(inputBucket, media.OriginalKey(upload.ID))); err != nil {
				t.Fatal(err)
			}
			if now := stack.await(upload.ID, media.Manifest.Settled); now.Status != status {
				t.Errorf("the status is %s", now.Status)
			}
			for _, variant := range m.Variants {
				stack.awaitStatus(variant.URL, http.StatusOK)
			}
			checkRemoval(t, stack, m, upload.Secret)
		})
	}
}

func TestPageIsServedWithItsPolicy(t *testing.T) {
	stack := startStack(t)
	response, body := stack.send("GET", "/", nil)
	policy := response.Header.Get("Content-Security-Policy")
	if response.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`id="files"`)) ||
		!strings.Contains(policy, "default-src 'none';") || !strings.Contains(policy, "script-src 'self';") {
		t.Errorf("%s, policy %q", response.Status, policy)
	}
	for path, contentType := range map[string]string{"/nothing": "text/html; charset=utf-8", "/api/v1/nothing": "application/problem+json"} {
		if response, _ := stack.send("GET", path, nil); response.StatusCode != http.StatusNotFound || response.Header.Get("Content-Type") != contentType {
			t.Errorf("unknown path %s: %s %q", path, response.Status, response.Header)
		}
	}
}

func TestOnlyThePageOfTheStackMayUpload(t *testing.T) {
	stack := startStack(t)
	var g granted
	request := []byte(`{"contentType":"image/jpeg","bytes":1}`)
	stack.sendJSON("POST", "/api/v1/uploads", request, http.StatusCreated, &g, "Content-Type", "application/json")
	for origin, may := range map[string]bool{
		stack.url: true,
		strings.Replace(stack.url, "localhost", "127.0.0.1", 1): true,
		"http://localhost:1":    false,
		"https://evil.example":  false,
		"http://localhost.evil": false,
	} {
		response, _ := stack.send("OPTIONS", g.Upload.URL, nil, "Origin", origin,
			"Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "content-type,if-none-match")
		if allowed := response.Header.Get("Access-Control-Allow-Origin"); (allowed == origin) != may || !may && allowed != "" {
			t.Errorf("%s: %s, allowed %q", origin, response.Status, allowed)
		}
	}
}
