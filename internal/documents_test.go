package internal_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestLinksOfDocumentsLeadSomewhere follows every link of a Markdown file to
// another file of the repository, and to the heading that it names.
func TestLinksOfDocumentsLeadSomewhere(t *testing.T) {
	root := os.DirFS("..")
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	count := 0
	for _, name := range documents(t, root) {
		text, err := fs.ReadFile(root, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range link.FindAllSubmatch(text, -1) {
			target := string(match[1])
			if strings.Contains(target, "://") {
				continue
			}
			count++
			file, anchor, _ := strings.Cut(target, "#")
			if file == "" {
				file = path.Base(name)
			}
			linked := path.Join(path.Dir(name), file)
			if _, err := fs.Stat(root, linked); err != nil {
				t.Errorf("%s links to %s: %v", name, target, err)
				continue
			}
			if anchor != "" && !headings(t, root, linked)[anchor] {
				t.Errorf("%s links to %s: no such heading", name, target)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d links found", count)
	}
}

// documents lists the Markdown files of the repository.
func documents(t *testing.T, root fs.FS) (names []string) {
	t.Helper()
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && (name == "build" || name == ".git" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if filepath.Ext(name) == ".md" {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// headings returns the anchors that GitHub gives to the headings of a document.
func headings(t *testing.T, root fs.FS, name string) map[string]bool {
	t.Helper()
	document, err := fs.ReadFile(root, name)
	if err != nil {
		t.Fatal(err)
	}
	anchors := make(map[string]bool)
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllSubmatch(document, -1) {
		anchor := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(string(match[1])), "")
		anchors[strings.ReplaceAll(anchor, " ", "-")] = true
	}
	return anchors
}
