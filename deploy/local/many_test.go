//go:build !quick

package main

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// hold makes the page's requests for a status wait until window.held is false or they are
// aborted, and counts how often files are sent.
const hold = `
	window.held = true;
	window.sent = 0;
	const { open } = XMLHttpRequest.prototype;
	XMLHttpRequest.prototype.open = function (...rest) { sent++; open.apply(this, rest); };
	const real = fetch;
	window.fetch = async (url, init) => {
		while (held && (init?.method ?? 'GET') === 'GET') {
			init.signal.throwIfAborted();
			if (window.broken) return Response.json({}, { status: 503, headers: { 'Retry-After': '61' } });
			await new Promise((resume) => setTimeout(resume, 20));
		}
		return real(url, init);
	};
	0`

// leaving reports whether the browser would ask before it leaves the page.
const leaving = `!dispatchEvent(new Event('beforeunload', { cancelable: true }))`

// keptIDs are the ids of the uploads that the page keeps.
const keptIDs = `JSON.parse(localStorage.getItem('presize.uploads') ?? '[]').map(({ id }) => id)`

// pickHeld gives the page files, of which no status comes.
func pickHeld(b browser, stack client, files ...string) {
	b.t.Helper()
	pickWith(b, stack, hold, files)
}

func TestPageCancelsAndRepeatsAll(t *testing.T) {
	photo := phototest.Read(t, "test_square.jpg")
	var files []string
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		files = append(files, filepath.Join(t.TempDir(), name+".jpg"))
		if err := os.WriteFile(files[len(files)-1], photo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := openBrowser(t)
	stack := startStack(t)
	pickHeld(b, stack, files...)
	b.do(chromedp.WaitReady(chromedp.CSS("#uploads article.upload[data-state=processing]")))
	if !evaluate[bool](b, leaving) {
		t.Error("the page may be left while files wait")
	}
	b.do(
		chromedp.WaitVisible(chromedp.CSS("#batch progress")),
		chromedp.Click(chromedp.CSS("#batch .cancel-all")),
		chromedp.WaitVisible(chromedp.CSS("#batch .retry-all")),
	)
	if states := evaluate[[]string](b, `[...document.querySelectorAll('#uploads article')].map((card) => card.dataset.state)`); !slices.Equal(slices.Compact(states), []string{"cancelled"}) {
		t.Errorf("the cards are %q", states)
	}
	if tally := evaluate[string](b, `document.querySelector('.tally').textContent`); tally != "0 of 6 photos ready, 6 cancelled." {
		t.Errorf("the page says %q", tally)
	}
	if kept := evaluate[[]string](b, keptIDs); len(kept) > 0 || evaluate[bool](b, leaving) {
		t.Errorf("of what was cancelled it keeps %q, or would ask before it is left", kept)
	}
	b.do(
		chromedp.Evaluate[chromedp.Void](`held = false; 0`),
		chromedp.Click(chromedp.CSS("#batch .retry-all")),
	)
	b.await(`document.querySelectorAll('#uploads article[data-state=complete]').length === 6`)
	b.await(`document.querySelector('.tally').textContent === '6 of 6 photos ready.'`)
	if height := evaluate[int](b, `document.querySelector('#uploads').offsetHeight`); height > 6*150 {
		t.Errorf("six folded cards are %d pixels high", height)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console shows %q", complaints)
	}
}

func TestPageDeletesWhatIsCancelledWhileItIsRendered(t *testing.T) {
	photo := phototest.Path(t, "test_square.jpg")
	b := openBrowser(t)
	stack := startStack(t)
	pickHeld(b, stack, photo)
	b.do(chromedp.WaitReady(chromedp.CSS("#uploads article.upload[data-state=processing]")))
	id := media.ID(evaluate[[]string](b, keptIDs)[0])
	stack.await(id, func(m media.Manifest) bool { return m.Status == media.Ready })
	if evaluate[bool](b, leaving) {
		t.Error("it asks before it is left, though nothing would be lost")
	}
	b.do(
		chromedp.Click(card(".cancel")),
		chromedp.WaitReady(chromedp.CSS("#uploads article.upload[data-state=cancelled]")),
	)
	stack.awaitStatus(media.StatusURL(id), http.StatusNotFound)
}

func TestPageGoesOnWithTheSameUploadAfterALostConnection(t *testing.T) {
	photo := phototest.Path(t, "test_square.jpg")
	b := openBrowser(t)
	stack := startStack(t)
	pickHeld(b, stack, photo)
	b.do(
		chromedp.WaitReady(chromedp.CSS("#uploads article.upload[data-state=processing]")),
		chromedp.Evaluate[chromedp.Void](`window.broken = true; 0`),
		chromedp.WaitReady(chromedp.CSS("#uploads article.upload:not([data-state=processing])")),
	)
	before := evaluate[[]string](b, keptIDs)
	b.do(
		chromedp.Evaluate[chromedp.Void](`held = false; 0`),
		chromedp.Click(card(".retry")),
		chromedp.WaitReady(complete),
	)
	if sent, after := evaluate[int](b, `sent`), evaluate[[]string](b, keptIDs); sent != 1 || !slices.Equal(before, after) {
		t.Errorf("the file was sent %d times, as %q and then %q", sent, before, after)
	}
}

func TestPageShowsWhatIsOneImageOnce(t *testing.T) {
	long := filepath.Join(t.TempDir(), "long.png")
	var file bytes.Buffer
	if err := png.Encode(&file, image.NewGray(image.Rect(0, 0, 100, 4000))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(long, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b := openBrowser(t)
	stack := startStack(t)
	pick(b, stack, long)
	b.do(
		chromedp.WaitReady(complete),
		chromedp.WaitVisible(card("picture img")),
	)
	if rows := evaluate[[]string](b, `[...document.querySelectorAll('tbody th')].map((row) => row.textContent.trim())`); !slices.Equal(rows, slices.Repeat([]string{"320 640 1280 1920"}, 3)) {
		t.Errorf("the table has the rows %q", rows)
	}
	if height := evaluate[int](b, `document.querySelector('.window').offsetHeight`); height > 1000 {
		t.Errorf("the picture is %d pixels high", height)
	}
	const markup = `document.querySelector('.markup code').textContent`
	absolute := evaluate[string](b, markup)
	b.do(chromedp.Click(card(".host")))
	relative := evaluate[string](b, markup)
	if !strings.Contains(absolute, `src="`+stack.url+`/i/`) || strings.ReplaceAll(absolute, stack.url, "") != relative {
		t.Errorf("the markup is %s\nand without the host %s", absolute, relative)
	}
}

func TestPageShowsTheDocumentOfTheAPI(t *testing.T) {
	b := openBrowser(t)
	stack := startStack(t)
	b.do(
		chromedp.Navigate(stack.url),
		chromedp.Click(chromedp.CSS("nav a[href='api.html']")),
		chromedp.WaitVisible(chromedp.CSS("#operations a")),
		chromedp.Click(chromedp.CSS("#operations li:nth-child(3) a")),
	)
	b.await(`document.querySelector('b:target')?.getBoundingClientRect().top < innerHeight`)
	response, document := stack.send("GET", "/api/v1/openapi.yaml", nil)
	if shown := evaluate[string](b, `document.querySelector('#document').textContent`); response.StatusCode != http.StatusOK || strings.TrimSpace(shown) != strings.TrimSpace(string(document)) {
		t.Error("it does not show the document")
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console shows %q", complaints)
	}
}
