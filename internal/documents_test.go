package internal_test

import (
	"go/parser"
	"go/printer"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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

// TestMainsDocumentTheirEnvironment compares the variables that a main package reads
// with those in its documentation.
func TestMainsDocumentTheirEnvironment(t *testing.T) {
	variable := regexp.MustCompile(`PRESIZE_[A-Z0-9_]+`)
	_, limits := readPackage(t, "env")
	limits = limits[strings.Index(limits, "Limits() media.Limits {"):]
	for _, dir := range []string{"../api/lambda", "../worker/lambda", "../worker/notify/lambda", "../deploy/local"} {
		doc, code := readPackage(t, dir)
		if strings.Contains(code, ".Limits()") {
			code += limits
		}
		read, documented := unique(variable.FindAllString(code, -1)), unique(variable.FindAllString(doc, -1))
		if len(read) == 0 || !slices.Equal(read, documented) {
			t.Errorf("%s reads %q, its documentation has %q", dir, read, documented)
		}
	}
}

// readPackage returns the documentation of a package, and all its code without comments.
func readPackage(t *testing.T, dir string) (doc, code string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		doc += file.Doc.Text()
		file.Doc, file.Comments = nil, nil
		var text strings.Builder
		if err := printer.Fprint(&text, token.NewFileSet(), file); err != nil {
			t.Fatal(err)
		}
		code += text.String()
	}
	return doc, code
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}
