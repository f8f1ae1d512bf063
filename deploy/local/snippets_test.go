//go:build !quick

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/presize/presize/internal/phototest"
)

// readSnippets returns the code that the page shows for a service, by client.
func readSnippets(t *testing.T, module, origin string) map[string]string {
	t.Helper()
	const script = `import(process.argv[1]).then(({ snippets }) => console.log(JSON.stringify(snippets({ origin: process.argv[2], preset: 'avatar' }))))`
	output, err := exec.CommandContext(t.Context(), "node", "-e", script, module, origin).Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []struct{ Client, Code string }
	if err := json.Unmarshal(output, &all); err != nil {
		t.Fatal(err)
	}
	code := make(map[string]string)
	for _, snippet := range all {
		code[snippet.Client] = snippet.Code
	}
	return code
}

// TestCodeOnThePageUploads runs what the page shows for each client that is no component.
func TestCodeOnThePageUploads(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	photo := phototest.Read(t, "test_square.jpg")
	b := openBrowser(t)
	stack := startStack(t) // in a folder of its own
	if err := os.MkdirAll("photos", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"photo.jpg", "photos/photo.jpg"} {
		if err := os.WriteFile(name, photo, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code := readSnippets(t, filepath.Join(root, "web/snippets.js"), stack.url)
	run := func(folder, name string, arguments ...string) string {
		t.Helper()
		command := exec.CommandContext(stack.ctx, name, arguments...)
		command.Dir = folder
		var complaints strings.Builder
		command.Stderr = &complaints
		output, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s\n%s", name, err, complaints.String(), output)
		}
		return string(output)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}

	if got := run(here, "bash", "-euo", "pipefail", "-c", code["curl"]); !strings.Contains(got, `"status":"ready"`) {
		t.Errorf("curl printed %s", got)
	}
	if err := os.WriteFile("main.go", []byte(code["Go"]), 0o600); err != nil {
		t.Fatal(err)
	}
	run(root, "go", "build", "-o", filepath.Join(here, "example"), filepath.Join(here, "main.go"))
	if got := run(here, "./example"); !strings.HasPrefix(got, "<picture>") {
		t.Errorf("the Go program printed %s", got)
	}
	run(root, "go", "build", "-o", filepath.Join(here, "presize"), "./deploy/presize")
	got := run(here, "bash", "-euo", "pipefail", "-c", `PATH="$PWD:$PATH"; `+code["Command line"])
	if !regexp.MustCompile(`"complete":true`).MatchString(got) {
		t.Errorf("the commands printed %s", got)
	}

	script := regexp.MustCompile(`import (.*) from 'presize';`).ReplaceAllString(code["JavaScript"], `const $1 = await import('/presize.js');`)
	b.do(
		chromedp.Navigate(stack.url),
		chromedp.Evaluate[chromedp.Void](`document.body.append(Object.assign(document.createElement('input'), { type: 'file', id: 'input' })); 0`),
		chromedp.SetUploadFiles(chromedp.CSS("#input"), []string{filepath.Join(here, "photo.jpg")}),
	)
	complete := evaluate[bool](b, `(async () => {
		const gallery = document.body;
		`+script+`
		return all.complete && document.querySelector('body > picture') !== null;
	})()`)
	if !complete {
		t.Error("the JavaScript does not complete")
	}
}
