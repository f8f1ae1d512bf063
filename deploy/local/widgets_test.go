//go:build !quick

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// samples are the folders of the sample app, with different versions of the libraries.
func samples() []string { return []string{"build/app", "build/app/react18"} }

// openSample opens a page of the sample app, of another origin than the service.
func openSample(t *testing.T, folder, page string) (browser, client) {
	t.Helper()
	origin := startSample(t, folder)
	b := openBrowser(t)
	stack := startStack(t, func(s *settings) { s.allowedOrigins = []string{origin} })
	b.do(chromedp.Navigate(origin + "/" + page + "?endpoint=" + stack.url + "/api/v1"))
	return b, stack
}

// damaged is a photo that the worker rejects.
func damaged(t *testing.T) string {
	t.Helper()
	photo := phototest.Read(t, "test_exif_full.jpg")
	path := filepath.Join(t.TempDir(), "damaged.jpg")
	if err := os.WriteFile(path, photo[:len(photo)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// told is what an app of Uppy heard of a file.
type told struct {
	Event, Name, Message, Secret string
	UploadURL                    string `json:"uploadURL"`
	BytesUploaded, BytesTotal    int64
	Body                         media.Manifest
}

func TestUppyUploadsAndTellsOfARejection(t *testing.T) {
	photo, broken := phototest.Path(t, "test_exif_full.jpg"), damaged(t)
	for _, folder := range samples() {
		t.Run(folder, func(t *testing.T) {
			b, stack := openSample(t, folder, "uppy.html")
			b.do(
				chromedp.WaitReady(chromedp.CSS(".uppy-Dashboard-input")),
				chromedp.SetUploadFiles(chromedp.CSS(".uppy-Dashboard-input"), []string{photo, broken}),
				chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
				chromedp.Click(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
				chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--retry")),
			)
			b.await(`told.some(({ event }) => event === 'success')`)
			last := make(map[string]told) // by event
			for _, one := range evaluate[[]told](b, `told`) {
				last[one.Event] = one
			}
			success := last["success"]
			if success.Name != filepath.Base(photo) || success.Body.Status != media.Ready || len(success.Secret) != 43 ||
				!strings.HasPrefix(success.UploadURL, stack.url+"/i/") {
				t.Errorf("of the photo it was told %+v", success)
			}
			if progress := last["progress"]; progress.BytesUploaded == 0 || progress.BytesUploaded != progress.BytesTotal {
				t.Errorf("the progress ended at %+v", progress)
			}
			if rejection := last["error"]; rejection.Name != "damaged.jpg" || !strings.HasSuffix(rejection.Message, ".") {
				t.Errorf("of the damaged photo it was told %+v", rejection)
			}

			for _, moment := range []string{"upload-start", "upload-progress"} {
				evaluate[bool](b, `(async () => {
					uppy.clear();
					told.length = 0;
					uppy.addFile({ name: 'a.jpg', type: 'image/jpeg', data: new Blob([new Uint8Array(1e6)]) });
					uppy.once('`+moment+`', () => uppy.cancelAll());
					await uppy.upload();
					return true;
				})()`)
				if left := evaluate[int](b, `told.filter(({ event }) => event !== 'progress').length + uppy.getFiles().length`); left != 0 {
					t.Errorf("%d files and events are left of what was cancelled at %s", left, moment)
				}
			}
		})
	}
}

func TestUppySendsNothingTwice(t *testing.T) {
	photo := phototest.Path(t, "test_exif_full.jpg")
	b, _ := openSample(t, samples()[0], "uppy.html")
	b.do(
		chromedp.WaitReady(chromedp.CSS(".uppy-Dashboard-input")),
		chromedp.Evaluate[chromedp.Void](`
			window.sent = 0;
			const { open } = XMLHttpRequest.prototype;
			XMLHttpRequest.prototype.open = function (...rest) { sent++; open.apply(this, rest); };
			const real = fetch;
			window.fetch = (url, init) => {
				if (init?.method === 'POST' || !window.broken) return real(url, init);
				return Promise.resolve(Response.json({ title: 'broken' }, { status: 400 }));
			};
			window.broken = true; // the status can't be had
			0`),
		chromedp.SetUploadFiles(chromedp.CSS(".uppy-Dashboard-input"), []string{photo}),
		chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
		chromedp.Click(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
		chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--retry")),
		chromedp.Evaluate[chromedp.Void](`window.broken = false; 0`),
		chromedp.Click(chromedp.CSS(".uppy-StatusBar-actionBtn--retry")),
		chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-statusIndicator")),
	)
	b.await(`told.some(({ event }) => event === 'success')`)
	if sent := evaluate[int](b, `sent`); sent != 1 {
		t.Errorf("the file was sent %d times", sent)
	}
}

// failOnce makes the page's first status say that the service could not render the image, and notes the
// secrets of all requests for grants in window.secrets.
const failOnce = `
	window.secrets = [];
	const real = fetch;
	let failed = false;
	window.fetch = (url, init) => {
		if (init?.method === 'POST') secrets.push(JSON.parse(init.body).secret);
		if (failed || init?.method === 'POST' || !String(url).includes('/uploads/')) return real(url, init);
		failed = true;
		return Promise.resolve(Response.json({ status: 'failed' }));
	};
	0`

// checkSecrets checks that what has failed was tried again as another upload: the service doesn't try it again.
func checkSecrets(b browser) {
	b.t.Helper()
	if secrets := evaluate[[]string](b, `secrets`); len(secrets) != 2 || secrets[0] == secrets[1] {
		b.t.Errorf("it asked for %d grants, want 2 with different secrets", len(secrets))
	}
}

func TestUppyTriesAFailedImageAsAnotherUpload(t *testing.T) {
	photo := phototest.Path(t, "test_exif_full.jpg")
	b, _ := openSample(t, samples()[0], "uppy.html")
	b.do(
		chromedp.WaitReady(chromedp.CSS(".uppy-Dashboard-input")),
		chromedp.Evaluate[chromedp.Void](failOnce),
		chromedp.Evaluate[chromedp.Void](`uppy.on('upload-success', () => { throw new Error('of the app'); }); 0`),
		chromedp.SetUploadFiles(chromedp.CSS(".uppy-Dashboard-input"), []string{photo}),
		chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
		chromedp.Click(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
		chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--retry")),
		chromedp.Click(chromedp.CSS(".uppy-StatusBar-actionBtn--retry")),
	)
	b.await(`told.some(({ event }) => event === 'success')`)
	checkSecrets(b)
	if failures := evaluate[int](b, `told.filter(({ event }) => event === 'error').length`); failures != 1 {
		t.Errorf("it told of %d failures, want that of the image only", failures)
	}
}

func TestUppyTellsTheSecretThatTheUploadHas(t *testing.T) {
	b, stack := openSample(t, samples()[0], "uppy.html")
	giveFile(b, "photo", "test_exif_full.jpg")
	b.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`
		window.endpoint = '%s/api/v1';
		window.send = async (options) => {
			uppy.getPlugin('Presize').setOptions(options);
			uppy.clear();
			told.length = 0;
			uppy.addFile({ name: photo.name, type: 'image/jpeg', data: photo });
			await uppy.upload();
			return told.find(({ event }) => event === 'success')?.secret ?? JSON.stringify(told);
		};
		0`, stack.url)))
	for name, send := range map[string]string{
		"made by the app's own server": `send({
			grant: async (request) => (await fetch(endpoint + '/uploads', {
				method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ ...request, secret: '%s' }),
			})).json(),
		})`,
		"kept by an earlier page": `(() => {
			const { name, size, lastModified } = photo;
			localStorage.setItem('presize.unfinished', JSON.stringify([{ name, size, lastModified, preset: 'photo', endpoint, secret: '%s', since: Date.now() }]));
			return send({ grant: undefined, keep: true });
		})()`,
	} {
		secret := media.NewSecret().Reveal()
		if got := evaluate[string](b, fmt.Sprintf(send, secret)); got != secret {
			t.Errorf("%s: Uppy tells %s", name, got)
		}
	}
	if kept := evaluate[string](b, `localStorage.getItem('presize.unfinished')`); kept != "[]" {
		t.Errorf("what has ended is kept: %s", kept)
	}
}

// readmeRecipe returns the code of a section of the package's README.
func readmeRecipe(t *testing.T, heading string) string {
	t.Helper()
	readme, err := os.ReadFile("../../web/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), heading+"\n")
	_, code, _ := strings.Cut(section, "```js\n")
	code, _, closed := strings.Cut(code, "```\n")
	if !closed {
		t.Fatalf("the README has no code under %s", heading)
	}
	return code
}

func TestOwnUploaderOfUppyWorksByTheRecipe(t *testing.T) {
	photo, broken := phototest.Path(t, "test_exif_full.jpg"), damaged(t)
	sample, err := os.ReadFile("../../web/testdata/app/src/aws-s3.js")
	if err != nil {
		t.Fatal(err)
	}
	if recipe := readmeRecipe(t, "### With `@uppy/aws-s3`"); !strings.Contains(string(sample), recipe) {
		t.Errorf("the sample app does not run the recipe of the README:\n%s", recipe)
	}
	b, stack := openSample(t, samples()[0], "aws-s3.html")
	send := func(path string) {
		b.do(
			chromedp.WaitReady(chromedp.CSS(".uppy-Dashboard-input")),
			chromedp.SetUploadFiles(chromedp.CSS(".uppy-Dashboard-input"), []string{path}),
			chromedp.WaitVisible(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
			chromedp.Click(chromedp.CSS(".uppy-StatusBar-actionBtn--upload")),
		)
	}

	send(photo)
	b.do(chromedp.WaitReady(chromedp.CSS("#gallery picture img")))
	source := evaluate[string](b, `(async () => {
		const img = document.querySelector('#gallery img');
		img.loading = 'eager';
		await img.decode();
		return img.currentSrc;
	})()`)
	secret, err := media.ParseSecret(evaluate[string](b, `uppy.getFiles()[0].meta.secret`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(source, stack.url+"/i/") || !strings.Contains(source, string(secret.ID())) {
		t.Errorf("the picture is %s, want one of the upload %s", source, secret.ID())
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console shows %q", complaints)
	}

	evaluate[bool](b, `(async () => {
		uppy.clear();
		window.said = [];
		uppy.on('info-visible', () => said.push(...uppy.getState().info.map(({ message }) => message)));
		return true;
	})()`)
	send(broken)
	b.await(`said.some((message) => message.endsWith('.'))`)

	const large = `(async () => {
		uppy.clear();
		const id = uppy.addFile({ name: 'large.jpg', type: 'image/jpeg', data: new Blob([new Uint8Array(60e6)]) });
		await uppy.upload();
		return uppy.getFile(id).error;
	})()`
	if refusal := evaluate[string](b, large); refusal != "The file has 60 MB; at most 52.4 MB are accepted." {
		t.Errorf("it says %q of a large file", refusal)
	}
}
