//go:build !quick

package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/phototest"
)

// giveFile makes a test file the File window.NAME of the page.
func giveFile(b browser, name, file string) {
	b.t.Helper()
	evaluate[bool](b, fmt.Sprintf(
		`(window.%s = new File([Uint8Array.from(atob(%q), (letter) => letter.charCodeAt(0))], %q, { lastModified: 1 }), true)`,
		name, base64.StdEncoding.EncodeToString(phototest.Read(b.t, file)), file))
}

// shrink uploads window.photo as it is, and again with its longer edge shrunk. It compares the
// largest JPEGs of both, scaled to 32 pixels: the mean difference of a channel, from 0 to 255.
const shrink = `
	(async () => {
		const { upload } = await import('/presize.js');
		let apart = false;
		window.Worker = class extends Worker {
			constructor(...args) {
				super(...args);
				this.addEventListener('message', () => { apart = true; });
			}
		};
		const pixels = async ({ variants }) => {
			const image = new Image();
			image.src = variants.filter(({ contentType }) => contentType === 'image/jpeg').at(-1).url;
			await image.decode();
			const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
			const context = canvas.getContext('2d');
			context.drawImage(image, 0, 0, 32, 32);
			return context.getImageData(0, 0, 32, 32).data;
		};
		const whole = await upload(photo);
		const small = await upload(photo, { maxEdge: 300 });
		const [a, b] = [await pixels(whole), await pixels(small)];
		return {
			sent: photo.size === small.original.bytes, width: small.original.width, height: small.original.height,
			difference: a.reduce((sum, value, at) => sum + Math.abs(value - b[at]), 0) / a.length,
			apart,
		};
	})()`

type shrunk struct {
	Sent       bool    `json:"sent"` // as it was
	Width      int     `json:"width"`
	Height     int     `json:"height"`
	Difference float64 `json:"difference"`
	Apart      bool    `json:"apart"` // prepared in a worker
}

func TestPhotoIsShrunkInTheBrowserOnlyWhereItLooksTheSame(t *testing.T) {
	b := openBrowser(t)
	stack := startStack(t)
	for file, want := range map[string]shrunk{
		"test_exif_full.jpg":         {Width: 225, Height: 300}, // turned by its Exif
		"test_icc_prophoto.jpg":      {Width: 300, Height: 188}, // of a wide gamut
		"northern_cardinal_bird.jpg": {Width: 300, Height: 169},
		"transparent.png":            {Sent: true},
	} {
		b.do(chromedp.Navigate(stack.url))
		giveFile(b, "photo", file)
		got := evaluate[shrunk](b, shrink)
		if got.Sent != want.Sent || !got.Sent && (got.Width != want.Width || got.Height != want.Height) || got.Difference > 6 || !got.Apart {
			t.Errorf("%s: %+v, want %+v", file, got, want)
		}
	}
}

// beginUpload begins an upload of window.photo and notes in window.seen what it is told.
const beginUpload = `
	(async () => {
		const { upload } = await import('/presize.js');
		window.seen = [];
		window.end = '';
		upload(photo, { onProgress: ({ phase, loaded, waiting }) => seen.push(waiting ? 'waiting' : phase + (loaded > 0 ? ' on' : '')) })
			.then(({ status }) => { end = status; }, (error) => { end = error.code; });
		return true;
	})()`

// until waits in the page for an expression.
func until(b browser, expression string) {
	b.t.Helper()
	evaluate[bool](b, `new Promise((done) => { const look = () => (`+expression+` ? done(true) : setTimeout(look, 20)); look(); })`)
}

func TestUploadGoesOnAfterAnOutage(t *testing.T) {
	b := openBrowser(t)
	stack := startStack(t)
	connect := func(offline, told bool, bytesPerSecond float64) chromedp.Action[chromedp.Void] {
		return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
				MatchedNetworkConditions: []*network.Conditions{{Offline: offline, DownloadThroughput: -1, UploadThroughput: bytesPerSecond}},
			})
			if err != nil || !told {
				return err
			}
			_, err = chromedp.Call(ctx, network.OverrideNetworkState, network.OverrideNetworkStateParams{
				Offline: offline, DownloadThroughput: -1, UploadThroughput: -1,
			})
			return err
		})
	}
	const slow = 400_000 // bytes a second
	for _, test := range []struct {
		name    string
		told    bool // whether the browser knows that it is offline
		retries int
	}{
		{"the browser says that it is offline", true, 1},
		{"the browser says that it is online", false, 4}, // the pauses between these add up to five seconds or more
	} {
		t.Run(test.name, func(t *testing.T) {
			b := b
			b.t = t
			b.do(chromedp.Navigate(stack.url))
			giveFile(b, "photo", "test_exif_full.jpg")
			b.do(connect(false, test.told, slow))
			evaluate[bool](b, beginUpload)
			until(b, `seen.includes('uploading on')`)
			b.do(connect(true, test.told, -1))
			until(b, fmt.Sprintf(`end || seen.filter((step) => step === 'waiting').length >= %d`, test.retries))
			b.do(connect(false, test.told, -1))
			until(b, `end`)
			if end := evaluate[string](b, `end`); end != "ready" {
				t.Errorf("the upload ended with %s after %s", end, strings.Join(evaluate[[]string](b, `seen`), ", "))
			}
		})
	}
}

// beginKept begins an upload of window.photo that is kept, and gives its id when the copy of the file is whole.
const beginKept = `
	(async () => {
		const { upload } = await import('/presize.js');
		const id = new Promise((resolve) => { upload(photo, { keep: true, onGranted: ({ id }) => resolve(id) }); });
		const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('presize', { create: true });
		for (;;) { // until the copy is whole; before, the browser writes to another file, which goes away
			for await (const entry of folder.values()) {
				const size = await entry.getFile().then((file) => file.size, () => 0);
				if (size === photo.size && !entry.name.includes('.')) return id;
			}
		}
	})()`

// slowly is so slow that the upload of a photo lasts as long as the test needs it, in bytes a second.
const slowly = 50_000

// limit limits how fast the page uploads; -1 is no limit.
func limit(bytesPerSecond float64) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
			MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: bytesPerSecond}},
		})
		return err
	})
}

func TestUploadGoesOnAfterAReload(t *testing.T) {
	b := openBrowser(t)
	stack := startStack(t)
	const goOn = `
		(async () => {
			const { upload, unfinished } = await import('/presize.js');
			const left = await unfinished();
			const [{ name, file, options }] = left;
			const { id } = await upload(%s);
			return [left.length, name, Boolean(file), id, (await unfinished()).length].join(' ');
		})()`
	for name, test := range map[string]struct{ forgetCopy, file string }{
		"from the copy":                         {`true`, `file, options`},
		"of a file that the person picks again": {`navigator.storage.getDirectory().then((root) => root.removeEntry('presize', { recursive: true })).then(() => true)`, `photo, { keep: true }`},
	} {
		b.do(chromedp.Navigate(stack.url))
		giveFile(b, "photo", "test_exif_full.jpg")
		b.do(limit(slowly))
		id := evaluate[string](b, beginKept)
		b.do(chromedp.Navigate(stack.url), limit(-1))
		giveFile(b, "photo", "test_exif_full.jpg")
		evaluate[bool](b, test.forgetCopy)
		want := fmt.Sprintf("1 test_exif_full.jpg %t %s 0", test.file == "file, options", id)
		if got := evaluate[string](b, fmt.Sprintf(goOn, test.file)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// listUnfinished makes window.left what the page may go on with, and counts it. A component of React in
// strict mode asks twice at once, and must get the same answer twice: -1 if it does not.
const listUnfinished = `
	(async () => {
		const { unfinished } = await import('/presize.js');
		const [first, second] = await Promise.all([unfinished(), unfinished()]);
		window.left = second;
		return first.length === second.length ? second.length : -1;
	})()`

func TestUploadGoesOnInOneOfTwoTabs(t *testing.T) {
	first := openBrowser(t)
	stack := startStack(t)
	first.do(chromedp.Navigate(stack.url))
	giveFile(first, "photo", "test_exif_full.jpg")
	first.do(limit(slowly))
	id := evaluate[string](first, beginKept)

	second := first.anotherTab()
	expect := func(b browser, when string, want int) {
		t.Helper()
		if got := evaluate[int](b, listUnfinished); got != want {
			t.Errorf("%s: the tab may go on with %d uploads, want %d", when, got, want)
		}
	}
	second.do(chromedp.Navigate(stack.url))
	expect(second, "while the other uploads", 0)
	first.do(chromedp.Navigate(stack.url), limit(slowly))
	expect(first, "after a reload", 1)
	expect(second, "while the other has the upload", 0)
	if again := evaluate[int](first, `import('/presize.js').then(({ unfinished }) => unfinished()).then(({ length }) => length)`); again != 1 {
		t.Errorf("asked again: the tab may go on with %d uploads, want 1", again)
	}
	evaluate[bool](first, `(async () => {
		const { upload } = await import('/presize.js');
		return new Promise((resolve) => {
			upload(left[0].file, { ...left[0].options, onProgress: ({ phase }) => phase === 'uploading' && resolve(true) });
		});
	})()`)
	expect(first, "while it uploads itself", 0)
	expect(second, "while the other goes on", 0)

	first.do(chromedp.Navigate("about:blank"))
	got := evaluate[string](second, `(async () => {
		const { unfinished, upload } = await import('/presize.js');
		let left = [];
		while (left.length === 0) left = await unfinished(); // the browser takes a moment to close the other page
		const { id } = await upload(left[0].file, left[0].options);
		return id + ' ' + (await unfinished()).length;
	})()`)
	if want := id + " 0"; got != want {
		t.Errorf("after the other tab was closed: %s, want %s", got, want)
	}
}
