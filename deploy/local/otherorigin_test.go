//go:build !quick

package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/deploy/local/edge"
	"github.com/presize/presize/internal/phototest"
	"github.com/presize/presize/web"
)

// startApp serves an app of another origin, which has the client module among its files.
func startApp(t *testing.T) (origin string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", edge.Site(web.FS, web.Index))
	mux.HandleFunc("GET /app", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><title>App</title><link rel=icon href=data:,>")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// useService is what the app's page does: it uploads, waits, and deletes. It gives what it
// came to.
const useService = `
	(async (endpoint, photo) => {
		const { complete, createSecret, deleteUpload, getUpload, presets, upload } = await import('/presize.js');
		const steps = [];
		try {
			steps.push((await presets({ endpoint }))[0].name);
			const secret = createSecret();
			const bytes = Uint8Array.from(atob(photo), (letter) => letter.charCodeAt(0));
			const { id } = await upload(new File([bytes], 'a.png', { type: 'image/png' }), { preset: 'avatar', secret, endpoint });
			steps.push((await complete(id, { secret, endpoint })).status);
			steps.push((await getUpload(id, { endpoint, secret: createSecret() })).status);
			steps.push((await deleteUpload(id, { endpoint, secret: createSecret() }).catch((error) => error)).code);
			await deleteUpload(id, { endpoint, secret });
			steps.push((await getUpload(id, { endpoint, secret }).catch((error) => error)).code ?? 'still there');
		} catch (error) {
			steps.push(error.code ?? String(error));
		}
		return steps.join(' ');
	})(%q, %q)`

func TestPageOfAnAllowedOriginUsesTheWholeService(t *testing.T) {
	photo := base64.StdEncoding.EncodeToString(phototest.Read(t, "test.png"))
	b := openBrowser(t)
	allowed, other := startApp(t), startApp(t)
	stack := startStack(t, func(s *settings) { s.allowedOrigins = []string{"https://app.example", allowed} })
	for origin, want := range map[string]string{
		allowed: "photo ready ready forbidden upload-not-found",
		other:   "network",
	} {
		b.do(chromedp.Navigate(origin + "/app"))
		got := evaluate[string](b, fmt.Sprintf(useService, stack.url+"/api/v1", photo))
		// The worker may still have the manifest: the deletion is on its way.
		if got = strings.Replace(got, "still there", "upload-not-found", 1); got != want {
			t.Errorf("%s: %s, want %s", origin, got, want)
		}
	}
}
