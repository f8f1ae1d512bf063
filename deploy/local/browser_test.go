//go:build !quick

package main

import (
	"context"
	"errors"
	"iter"
	"os/exec"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// browser is a headless Chromium with one tab.
type browser struct {
	t       *testing.T
	ctx     context.Context
	console func() (chromedp.ConsoleMessage, error, bool)
}

// openBrowser starts a Chromium with a profile of its own until the test ends.
func openBrowser(t *testing.T) browser {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.WindowSize(1280, 1000),
	)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)

	err := chromedp.Do(ctx)
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatal("Chromium is missing: install it (on Debian: apt-get install chromium) and try again")
	}
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	return newBrowser(t, ctx)
}

// newBrowser is the browser with the tab of ctx.
func newBrowser(t *testing.T, ctx context.Context) browser {
	console, stop := iter.Pull2(chromedp.Console(ctx))
	t.Cleanup(stop)
	return browser{t, ctx, console}
}

// anotherTab opens one more tab of the same browser, with the same storage.
func (b browser) anotherTab() browser {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		b.t.Fatalf("open another tab: %v", err)
	}
	return newBrowser(b.t, ctx)
}

// do does things in the tab, one after the other.
func (b browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatalf("%v; the console shows %q", err, b.complaints())
	}
}

// evaluate returns what a JavaScript expression gives, or the promise that it is.
func evaluate[T any](b browser, expression string) T {
	b.t.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%v; the console shows %q", err, b.complaints())
	}
	return value
}

// await waits until a JavaScript expression holds.
func (b browser) await(expression string) {
	b.t.Helper()
	evaluate[bool](b, `new Promise((done) => {
		const look = () => ((`+expression+`) ? done(true) : setTimeout(look, 20));
		look();
	})`)
}

// complaints are the warnings and errors in the browser's console since the last
// call: violations of the page's policy, failed requests, exceptions.
func (b browser) complaints() (texts []string) {
	b.t.Helper()
	// The console keeps its order, so everything is read when this is.
	const end = "everything up to here"
	if err := chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void](`console.log("`+end+`")`)); err != nil {
		b.t.Fatal(err)
	}
	serious := []chromedp.ConsoleType{chromedp.ConsoleWarning, chromedp.ConsoleError, chromedp.ConsoleException}
	for {
		message, err, _ := b.console()
		switch {
		case err != nil:
			b.t.Fatal(err)
		case message.Text == end:
			return texts
		case slices.Contains(serious, message.Type):
			texts = append(texts, message.String())
		}
	}
}
