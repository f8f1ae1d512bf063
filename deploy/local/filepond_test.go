//go:build !quick

package main

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestFilePondTriesAFailedImageAsAnotherUpload(t *testing.T) {
	photo := phototest.Path(t, "test_exif_full.jpg")
	b, _ := openSample(t, samples()[0], "filepond.html")
	b.do(
		chromedp.WaitReady(chromedp.CSS(".filepond--browser")),
		chromedp.Evaluate[chromedp.Void](failOnce),
		chromedp.SetUploadFiles(chromedp.CSS(".filepond--browser"), []string{photo}),
		chromedp.WaitReady(chromedp.CSS("[data-filepond-item-state='processing-error']")),
	)
	evaluate[bool](b, `pond.processFile().then(() => true)`) // what its button does
	b.await(`told.length === 1`)
	checkSecrets(b)
}

func TestFilePondUploadsRevertsAndTellsOfARejection(t *testing.T) {
	photo, broken := phototest.Path(t, "test_exif_full.jpg"), damaged(t)
	b, stack := openSample(t, samples()[0], "filepond.html")
	b.do(
		chromedp.WaitReady(chromedp.CSS(".filepond--browser")),
		chromedp.SetUploadFiles(chromedp.CSS(".filepond--browser"), []string{photo}),
		chromedp.WaitReady(chromedp.CSS("[data-filepond-item-state='processing-complete']")),
	)
	ready := evaluate[[]struct {
		Manifest media.Manifest
		Secret   string
	}](b, `told`)
	if len(ready) != 1 || ready[0].Manifest.Status != media.Ready || len(ready[0].Secret) != 43 {
		t.Fatalf("the app was told %+v", ready)
	}
	id := ready[0].Manifest.ID
	if field := evaluate[string](b, `document.querySelector('input[name=photos][type=hidden]').value`); field != string(id) {
		t.Errorf("the form has %q, want the upload's id %s", field, id)
	}
	evaluate[bool](b, `pond.removeFile({ revert: true }), true`)
	b.await(`pond.getFiles().length === 0`)
	stack.awaitStatus(media.StatusURL(id), 404)

	b.do(
		chromedp.SetUploadFiles(chromedp.CSS(".filepond--browser"), []string{broken}),
		chromedp.WaitReady(chromedp.CSS("[data-filepond-item-state='processing-error']")),
	)
	if message := evaluate[string](b, `document.querySelector('.filepond--file-status-main').textContent`); !strings.HasSuffix(message, ".") {
		t.Errorf("it says %q, want the reason of the rejection", message)
	}
}
