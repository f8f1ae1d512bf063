//go:build !quick

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/phototest"
)

// observe makes the page write down every state of its cards, and how far the
// bar was in each.
const observe = `
	window.states = [];
	window.progress = {};
	new MutationObserver(() => {
		for (const card of document.querySelectorAll('article.upload')) {
			const { state } = card.dataset;
			if (states.at(-1) !== state) states.push(state);
			progress[state] = Math.max(progress[state] ?? 0, card.querySelector('progress').value);
		}
	}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-state', 'value'] });
	0`

// showPicture gives the picture that is on the page.
const showPicture = `
	(({ naturalWidth, naturalHeight, currentSrc }) => ({ width: naturalWidth, height: naturalHeight, source: currentSrc }))(
		document.querySelector('#uploads picture img'))`

type shownPicture struct {
	Width  int    `json:"width"`
	Height int    `json:"height"`
	Source string `json:"source"`
}

// loadVariants gives every row of the table with the width of the image behind it.
const loadVariants = `
	Promise.all([...document.querySelectorAll('table tbody tr[data-type]')].map(async (row) => {
		const image = new Image();
		image.src = row.querySelector('a').href;
		await image.decode();
		return { type: row.dataset.type, width: image.naturalWidth };
	}))`

type shownVariant struct {
	Type  string `json:"type"`
	Width int    `json:"width"`
}

// loadAutoURLs shows every auto URL of the page as an image, fetches it like a
// program then, and gives the types of both answers. The image must not come from
// the browser's cache.
const loadAutoURLs = `
	Promise.all([...document.querySelectorAll('.urls li')].map(async (item) => {
		const { href, textContent } = item.querySelector('a');
		const image = new Image();
		image.src = href;
		await image.decode();
		const [{ contentType }] = performance.getEntriesByName(href);
		const fetched = await fetch(href);
		return {
			name: textContent, width: image.naturalWidth, shown: contentType, fetched: fetched.headers.get('Content-Type'),
			copied: item.querySelector('code').textContent === href,
		};
	}))`

type shownAutoURL struct {
	Name    string `json:"name"`
	Width   int    `json:"width"`
	Shown   string `json:"shown"`
	Fetched string `json:"fetched"`
	Copied  bool   `json:"copied"`
}

// pick opens the page and gives it files, as a person does with the file dialog.
func pick(b browser, stack client, files ...string) {
	b.t.Helper()
	pickWith(b, stack, observe, files)
}

// pickWith is pick on a page in which a script has run.
func pickWith(b browser, stack client, script string, files []string) {
	b.t.Helper()
	b.do(
		chromedp.Navigate(stack.url),
		chromedp.WaitReady(chromedp.CSS("#preset:enabled")),
		chromedp.Evaluate[chromedp.Void](script),
		chromedp.SetUploadFiles(chromedp.CSS("#files"), files),
	)
}

func TestPageTakesAPhotoAllTheWay(t *testing.T) {
	file := phototest.Path(t, "test_exif_full.jpg")
	b := openBrowser(t)
	stack := startStack(t)
	pick(b, stack, file)
	b.do(chromedp.WaitReady(chromedp.CSS("#uploads article.upload[data-state=complete]")))

	states := evaluate[[]string](b, `states`)
	at := -1
	for _, state := range []string{"hashing", "granting", "uploading", "processing", "complete"} {
		next := slices.Index(states, state)
		if next <= at {
			t.Errorf("the card was %q, want %q after the others", states, state)
		}
		at = next
	}
	progress := evaluate[map[string]float64](b, `progress`)
	if progress["uploading"] != 1 {
		t.Errorf("the bar came to %v while the photo was uploaded", progress["uploading"])
	}

	// The picture with AVIF takes the place of the first one when it is decoded.
	b.do(chromedp.WaitVisible(chromedp.CSS("#uploads picture:has(source[type='image/avif']) img")))
	picture := evaluate[shownPicture](b, showPicture)
	if picture.Width == 0 || picture.Height <= picture.Width || !strings.HasSuffix(picture.Source, ".avif") {
		t.Errorf("the picture is %+v, want an upright AVIF", picture)
	}
	widths := make(map[string][]int)
	for _, variant := range evaluate[[]shownVariant](b, loadVariants) {
		widths[variant.Type] = append(widths[variant.Type], variant.Width)
	}
	for _, format := range []string{"image/avif", "image/webp", "image/jpeg"} {
		if !slices.Equal(widths[format], []int{320, 640, 1280, 1920}) {
			t.Errorf("%s loads in the widths %v", format, widths[format])
		}
	}
	autoURLs := evaluate[[]shownAutoURL](b, loadAutoURLs)
	wantURLs := []shownAutoURL{
		{"320", 320, "image/avif", "image/jpeg", true}, {"640", 640, "image/avif", "image/jpeg", true},
		{"1280", 1280, "image/avif", "image/jpeg", true}, {"1920", 1920, "image/avif", "image/jpeg", true},
	}
	if !slices.Equal(autoURLs, wantURLs) {
		t.Errorf("the auto URLs give %+v", autoURLs)
	}
	markup := evaluate[string](b, `document.querySelector('#uploads pre code').textContent`)
	if !strings.HasPrefix(markup, "<picture>") {
		t.Errorf("the markup is %q", markup)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console shows %q", complaints)
	}
}

func TestPageShowsARejectionAsASentence(t *testing.T) {
	letter := filepath.Join(t.TempDir(), "letter.jpg")
	if err := os.WriteFile(letter, []byte("This is a letter, not a photo."), 0o600); err != nil {
		t.Fatal(err)
	}
	sentence := regexp.MustCompile(`^[A-Z].* .*\.$`)
	for name, test := range map[string]struct {
		file      string
		complains bool // the browser itself does so about every request that is refused
	}{
		"text named like a photo": {letter, false},
		"damaged photo":           {phototest.Path(t, "corrupt.jpg"), false},
		"PDF":                     {phototest.Path(t, "test.pdf"), true},
	} {
		t.Run(name, func(t *testing.T) {
			b := openBrowser(t)
			pick(b, startStack(t), test.file)
			b.do(chromedp.WaitReady(chromedp.CSS("#uploads article.upload[data-state=rejected]")))
			message := evaluate[string](b, `document.querySelector('#uploads .message').textContent`)
			if !sentence.MatchString(message) {
				t.Errorf("the message is %q", message)
			}
			if evaluate[bool](b, `document.querySelector('#uploads .retry').checkVisibility()`) {
				t.Error("it offers to try the same again")
			}
			if complaints := b.complaints(); (len(complaints) > 0) != test.complains {
				t.Errorf("the console shows %q", complaints)
			}
		})
	}
}

func TestPageTakesSeveralFilesOfAPreset(t *testing.T) {
	files := []string{phototest.Path(t, "test.png"), phototest.Path(t, "test.webp"), phototest.Path(t, "vertical.jpg")}
	b := openBrowser(t)
	stack := startStack(t)
	b.do(
		chromedp.Navigate(stack.url),
		chromedp.WaitReady(chromedp.CSS("#preset:enabled")),
		chromedp.SetValue(chromedp.CSS("#preset"), "avatar"),
		chromedp.SetUploadFiles(chromedp.CSS("#files"), files),
		chromedp.WaitReady(chromedp.CSS("#uploads > :nth-child(1) article.upload[data-state=complete]")),
		chromedp.WaitReady(chromedp.CSS("#uploads > :nth-child(2) article.upload[data-state=complete]")),
		chromedp.WaitReady(chromedp.CSS("#uploads > :nth-child(3) article.upload[data-state=complete]")),
	)
	evaluate[chromedp.Void](b, `for (const fold of document.querySelectorAll('#uploads .fold')) fold.click(); 0`)
	rows := evaluate[[]int](b, `[...document.querySelectorAll('#uploads article')].map((card) => card.querySelectorAll('tbody tr[data-type]').length)`)
	if !slices.Equal(rows, []int{9, 9, 9}) {
		t.Errorf("the tables have %v rows", rows)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console shows %q", complaints)
	}
}

func TestPageForWhatIsMissingIsDressedLikeTheOther(t *testing.T) {
	b := openBrowser(t)
	stack := startStack(t)
	b.do(chromedp.Navigate(stack.url + "/nothing/here"))
	const shown = `[document.querySelector('h1').textContent, String(document.styleSheets[0].cssRules.length > 0),
		String(document.querySelector('img').naturalWidth > 0), document.querySelector('p a').href]`
	want := []string{"There is nothing here.", "true", "true", stack.url + "/"}
	if got := evaluate[[]string](b, shown); !slices.Equal(got, want) {
		t.Errorf("it shows %q, want %q", got, want)
	}
	for _, complaint := range b.complaints() {
		if !strings.Contains(complaint, "404") { // the browser's own about the page itself
			t.Errorf("the console shows %q", complaint)
		}
	}
}

func TestBrowserHearsWhatThePolicyForbids(t *testing.T) {
	b := openBrowser(t)
	stack := startStack(t)
	for name, expression := range map[string]string{
		"inline script":  `document.head.append(Object.assign(document.createElement('script'), {textContent: '0'})); 0`,
		"inline style":   `document.body.setAttribute('style', 'color: red'); 0`,
		"foreign image":  `new Promise((done) => { new Image().onerror = done; Object.assign(new Image(), {onerror: () => done(0), src: 'http://127.0.0.1:1/'}) })`,
		"foreign server": `fetch('http://127.0.0.1:1/').catch(() => 0)`,
	} {
		b.do(chromedp.Navigate(stack.url))
		b.complaints()
		evaluate[chromedp.Void](b, expression)
		if complaints := b.complaints(); !slices.ContainsFunc(complaints, func(c string) bool { return strings.Contains(c, "Content Security Policy") }) {
			t.Errorf("%s: the console shows %q", name, complaints)
		}
	}
}
