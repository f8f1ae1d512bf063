package main

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

// shellBlocks returns the blocks of a Markdown document that are marked as sh.
func shellBlocks(document []byte) (blocks []string) {
	for _, match := range regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllSubmatch(document, -1) {
		blocks = append(blocks, string(match[1]))
	}
	return blocks
}

// TestTourWithCurlWorks runs every line of the tour in api/README.md, in one shell
// that ends at the first failure, and looks at what each block printed.
func TestTourWithCurlWorks(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	blocks := shellBlocks(readFile(t, filepath.Join(root, "api/README.md")))
	stack := startStack(t)

	const mark = "\x00"
	var script strings.Builder
	for _, block := range blocks {
		script.WriteString(strings.ReplaceAll(block, "http://localhost:8080", stack.url) + "printf '\\0'\n")
	}
	command := exec.CommandContext(stack.ctx, "bash", "-euo", "pipefail", "-c", script.String())
	command.Dir = root
	var complaints strings.Builder
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, complaints.String(), output)
	}
	printed := strings.Split(strings.TrimSuffix(string(output), mark), mark)
	want := []string{
		`^$`,
		`"statusUrl":"/api/v1/uploads/[a-z2-7]{26}"`,
		`^$`,
		`"status":"ready",(?s:.*)"complete":true`,
		`(?i)^HTTP/1.1 200 OK\r\n(?s:.*)content-type: image/avif\r\n`,
		`^image/avif\nimage/jpeg\n$`,
		`^$`,
		`"status":"processing".*"preset":"avatar"`,
	}
	if len(printed) != len(want) {
		t.Fatalf("%d blocks printed %q, want %d", len(printed), printed, len(want))
	}
	for i, pattern := range want {
		if !regexp.MustCompile(pattern).MatchString(printed[i]) {
			t.Errorf("the block\n%sprinted %q, want %s", blocks[i], printed[i], pattern)
		}
	}
	deleted := regexp.MustCompile(`[a-z2-7]{26}`).FindString(printed[1])
	stack.awaitStatus(media.StatusURL(media.ID(deleted)), http.StatusNotFound)
}

func TestTourCanBePastedIntoZshToo(t *testing.T) {
	quoted := regexp.MustCompile(`'[^']*'|"(\\.|[^"\\])*"`)
	for _, block := range shellBlocks(readFile(t, "../../api/README.md")) {
		for line := range strings.Lines(block) {
			for name, pattern := range map[string]string{
				"a comment, which zsh takes for arguments":     `(^|\s)#`,
				"a glob, which zsh refuses if nothing matches": `[?*\[]`,
				"a variable that zsh has its own use for":      `\b(status|path|argv|prompt)=`,
			} {
				if regexp.MustCompile(pattern).MatchString(quoted.ReplaceAllString(line, "")) {
					t.Errorf("%q has %s", line, name)
				}
			}
		}
	}
}
