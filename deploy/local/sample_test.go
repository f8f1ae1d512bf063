//go:build !quick

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/phototest"
)

// startSample serves the sample app that make builds with the npm package.
func startSample(t *testing.T, folder string) (origin string) {
	t.Helper()
	dist, err := filepath.Abs(filepath.Join("../..", folder, "dist"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dist, "index.html")); err != nil {
		t.Fatalf("%v: run make build/app/.built first", err)
	}
	server := httptest.NewServer(http.FileServer(http.Dir(dist)))
	t.Cleanup(server.Close)
	return server.URL
}

// shownPhoto is what the sample app shows of its one upload.
const shownPhoto = `
	(async () => {
		const img = document.querySelector('li[data-status=ready] picture img');
		img.loading = 'eager';
		await img.decode();
		return {
			react: document.title, items: document.querySelectorAll('li').length, source: img.currentSrc,
			width: img.width, placeholder: img.style.backgroundColor, done: document.querySelector('output').textContent,
		};
	})()`

// noPlaceholder holds once a picture is shown without its placeholder.
const noPlaceholder = `document.querySelector('picture img').style.background === ''`

type samplePhoto struct {
	React       string `json:"react"`
	Items       int    `json:"items"`
	Source      string `json:"source"`
	Width       int    `json:"width"`
	Placeholder string `json:"placeholder"`
	Done        string `json:"done"`
}

func TestSampleAppUploadsShowsAndDeletesAPhoto(t *testing.T) {
	photo, another := phototest.Path(t, "test_exif_full.jpg"), phototest.Path(t, "test.png")
	letter := filepath.Join(t.TempDir(), "letter.jpg")
	if err := os.WriteFile(letter, []byte("This is a letter, not a photo."), 0o600); err != nil {
		t.Fatal(err)
	}
	for folder, version := range map[string]string{"build/app": "React 19.", "build/app/react18": "React 18."} {
		t.Run(folder, func(t *testing.T) {
			origin := startSample(t, folder)
			b := openBrowser(t)
			stack := startStack(t, func(s *settings) { s.allowedOrigins = []string{origin} })
			b.do(
				chromedp.Navigate(origin+"/?endpoint="+stack.url+"/api/v1"),
				chromedp.WaitReady(chromedp.CSS("input")),
				chromedp.SetUploadFiles(chromedp.CSS("input"), []string{photo}),
				chromedp.WaitReady(chromedp.CSS("li[data-status=ready] picture img")),
			)
			got := evaluate[samplePhoto](b, shownPhoto)
			if !strings.HasPrefix(got.React, version) || got.Items != 1 || got.Done != "1 of 1" {
				t.Errorf("the app shows %+v", got)
			}
			if !strings.HasPrefix(got.Source, stack.url+"/i/") || got.Width == 0 {
				t.Errorf("the picture is %+v, want one of %s", got, stack.url)
			}
			b.await(noPlaceholder) // it goes when the picture has come
			if !evaluate[bool](b, `shown.current === document.querySelector('picture img')`) {
				t.Error("the ref of the app is not the image")
			}
			b.do(
				chromedp.Click(chromedp.CSS("li button")),
				chromedp.WaitNotPresent(chromedp.CSS("li")),
			)
			if left := evaluate[string](b, `String(shown.current)`); left != "null" {
				t.Errorf("the ref of the app is %s, and the image is gone", left)
			}
			// Now an image has loaded before there is a component to hear of it, as on a page that a server rendered.
			evaluate[bool](b, `
				document.addEventListener('load', (event) => event.stopImmediatePropagation(), true);
				Object.defineProperties(HTMLImageElement.prototype, { complete: { get: () => true }, naturalWidth: { get: () => 1 } });
				true`)
			b.do(
				chromedp.SetUploadFiles(chromedp.CSS("input"), []string{another}),
				chromedp.WaitReady(chromedp.CSS("li[data-status=ready] picture img")),
			)
			b.await(noPlaceholder)
			b.do(
				chromedp.Click(chromedp.CSS("li button")),
				chromedp.WaitNotPresent(chromedp.CSS("li")),
			)
			b.do(
				chromedp.SetUploadFiles(chromedp.CSS("input"), []string{letter}),
				chromedp.WaitReady(chromedp.CSS("li[data-status=failed] p")),
			)
			want := []string{"The file is not a JPEG, PNG, WebP, AVIF, GIF, TIFF or HEIC image.", "Remove letter.jpg"}
			if got := evaluate[[]string](b, `[...document.querySelectorAll('li p, li button')].map(({ textContent }) => textContent)`); !slices.Equal(got, want) {
				t.Errorf("of a letter the app shows %q, want %q", got, want)
			}
			if complaints := b.complaints(); len(complaints) > 0 {
				t.Errorf("the console shows %q", complaints)
			}
		})
	}
}

func TestSampleAppUploadsOnWhereTheComponentGoes(t *testing.T) {
	photo := phototest.Path(t, "test_exif_full.jpg")
	for _, folder := range samples() {
		t.Run(folder, func(t *testing.T) {
			b, stack := openSample(t, folder, "")
			b.do(
				chromedp.WaitReady(chromedp.CSS("input")),
				chromedp.Evaluate[chromedp.Void](`
					window.puts = 0;
					const { send } = XMLHttpRequest.prototype;
					XMLHttpRequest.prototype.send = function (...rest) { puts++; root.unmount(); send.apply(this, rest); };
					0`),
				chromedp.SetUploadFiles(chromedp.CSS("input"), []string{photo}),
			)
			b.await(`finished.length > 0`)
			if shown := evaluate[int](b, `document.querySelectorAll('#root > *').length`); shown != 0 {
				t.Error("the component is still there")
			}
			if puts := evaluate[int](b, `puts`); puts != 1 {
				t.Errorf("the file was sent %d times", puts)
			}
			if url := evaluate[string](b, `finished[0].variants[0].url`); !strings.HasPrefix(url, stack.url+"/i/") {
				t.Errorf("the app was told of %s", url)
			}
			if complaints := b.complaints(); len(complaints) > 0 {
				t.Errorf("the console shows %q", complaints)
			}
		})
	}
}

// A directive counts only where it is the first statement.
func TestSampleAppHasReactMarkedAsCodeOfTheClient(t *testing.T) {
	packed := string(readFile(t, "../../build/app/node_modules/presize/react.js"))
	comment := regexp.MustCompile(`^\s*(?:/\*(?s:.*?)\*/|//[^\n]*\n)`)
	for comment.MatchString(packed) {
		packed = comment.ReplaceAllLiteralString(packed, "")
	}
	if statement := strings.TrimSpace(packed); !strings.HasPrefix(statement, "'use client';") {
		t.Errorf("the first statement of presize/react is %.80q", statement)
	}
}

func TestOtherBrowsersUploadWithPageAndSampleApp(t *testing.T) {
	for name, test := range map[string]struct {
		open   func(*testing.T) remote
		format string // the best that it shows
	}{
		"Firefox": {openFirefox, ".avif"},
		"WebKit":  {openWebKit, ".avif"},
	} {
		t.Run(name, func(t *testing.T) {
			photo := phototest.Path(t, "test_exif_full.jpg")
			origin := startSample(t, "build/app")
			r := test.open(t)
			stack := startStack(t, func(s *settings) { s.allowedOrigins = []string{origin} })

			r.navigate(stack.url)
			r.await(`document.querySelector('#preset:enabled')`)
			r.pick("#files", photo)
			r.await(`document.querySelector("#uploads article.upload[data-state=complete] picture:has(source[type='image/avif']) img")?.naturalWidth > 0`)
			picture := ask[shownPicture](r, showPicture)
			if picture.Height <= picture.Width || !strings.HasSuffix(picture.Source, test.format) {
				t.Errorf("the page shows %+v, want an upright picture", picture)
			}

			r.navigate(origin + "/?endpoint=" + stack.url + "/api/v1")
			r.pick("input", photo)
			r.await(`document.querySelector('li[data-status=ready] picture img')`)
			if got := ask[samplePhoto](r, shownPhoto); got.Items != 1 || got.Width == 0 || !strings.HasPrefix(got.Source, stack.url+"/i/") {
				t.Errorf("the sample app shows %+v", got)
			}
		})
	}
}
