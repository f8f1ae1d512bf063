//go:build !quick

package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/phototest"
)

// card selects something in the only card of the page.
func card(selector string) chromedp.CSS {
	return chromedp.CSS("#uploads article.upload " + selector)
}

const complete = chromedp.CSS("#uploads article.upload[data-state=complete]")

// TestPageKeepsUploadsAndDeletesThemAfterAsking is what a person does with them: a change of
// mind, twice, a reload, and the deletion after all.
func TestPageKeepsUploadsAndDeletesThemAfterAsking(t *testing.T) {
	file := phototest.Path(t, "test.png")
	b := openBrowser(t)
	stack := startStack(t, privatePhoto)
	pick(b, stack, file)
	b.do(
		chromedp.WaitReady(complete),
		chromedp.Click(card(".delete")),
		chromedp.Click(card(".undo")), // it asks, and is told no
		chromedp.Click(card(".delete")),
		chromedp.Click(card(".confirm")),
		chromedp.Click(card(".undo")), // undone in time
		chromedp.WaitVisible(card(".delete")),
		chromedp.Reload(),
		chromedp.WaitReady(complete),
		chromedp.Click(card(".fold")), // what was uploaded before is folded
		chromedp.WaitVisible(card("picture img")),
	)
	manifest := evaluate[string](b, `document.querySelector('#uploads .manifest').href`)
	if !strings.Contains(manifest, "/p/") {
		t.Errorf("the manifest of a private upload is at %s", manifest)
	}
	if response, _ := stack.send("GET", manifest, nil); response.StatusCode != http.StatusOK {
		t.Errorf("manifest: %s", response.Status)
	}
	name := evaluate[string](b, `document.querySelector('#uploads .name').textContent`)
	if name != "test.png" {
		t.Errorf("the upload is called %q", name)
	}
	b.do(
		chromedp.Click(card(".delete")),
		chromedp.Click(card(".confirm")),
		chromedp.WaitNotPresent(chromedp.CSS("#uploads article.upload")),
	)
	stack.awaitStatus(manifest, http.StatusNotFound)
	b.do(
		chromedp.Reload(),
		chromedp.WaitReady(chromedp.CSS("#preset:enabled")),
	)
	if left := evaluate[int](b, `document.querySelectorAll('#uploads article').length + JSON.parse(localStorage.getItem('presize.uploads')).length`); left != 0 {
		t.Errorf("%d uploads are left", left)
	}
	if complaints := b.complaints(); len(complaints) > 0 {
		t.Errorf("the console shows %q", complaints)
	}
}
