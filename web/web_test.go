package web_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/web"
)

func TestPageIsEmbeddedWholeAndNothingElse(t *testing.T) {
	want := []string{"index.html", "api.html", "style.css", "icon.svg", "app.js", "api.js"}
	imported := regexp.MustCompile(`(?:from|URL\() ?'\./([a-z]+\.js)'`)
	for at := 0; at < len(want); at++ { // which grows
		file, err := os.ReadFile(want[at])
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range imported.FindAllSubmatch(file, -1) {
			if name := string(match[1]); filepath.Ext(want[at]) == ".js" && !slices.Contains(want, name) {
				want = append(want, name)
			}
		}
	}
	slices.Sort(want)

	got, err := fs.Glob(web.FS, "*")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("embedded %q, %v\nwant %q", got, err, want)
	}
	for _, name := range got {
		embedded, err := fs.ReadFile(web.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if file, err := os.ReadFile(name); err != nil || string(file) != string(embedded) {
			t.Errorf("%s: %v", name, err)
		}
		if !regexp.MustCompile(`^[a-z]+\.[a-z]+$`).MatchString(name) {
			t.Errorf("%s has a name that site.mjs answers with 404", name)
		}
		if web.ContentType(name) == "" {
			t.Errorf("%s has no content type", name)
		}
	}
}

func TestPageAndModuleKnowTheAcceptedTypes(t *testing.T) {
	var want []string
	for _, format := range media.Accepted() {
		want = append(want, string(format))
	}
	slices.Sort(want)

	extensions := make(map[string]string) // their types, in sniff.js
	table := find(t, "sniff.js", `(?s)const TYPES = \{(.*?)\};`)
	for _, entry := range regexp.MustCompile(`(\w+): '([a-z/]+)'`).FindAllStringSubmatch(table, -1) {
		extensions[entry[1]] = entry[2]
	}
	if got := slices.Sorted(maps.Values(extensions)); !slices.Equal(slices.Compact(got), want) {
		t.Errorf("sniff.js knows %q\nwant %q", got, want)
	}

	var types []string
	for accepted := range strings.SplitSeq(find(t, "index.html", `accept="([^"]*)"`), ",") {
		if extension, ok := strings.CutPrefix(accepted, "."); !ok {
			types = append(types, accepted)
		} else if extensions[extension] == "" {
			t.Errorf("index.html accepts .%s, of which sniff.js does not know the type", extension)
		}
	}
	if slices.Sort(types); !slices.Equal(types, want) {
		t.Errorf("index.html accepts %q\nwant %q", types, want)
	}
}

// find returns what the group of a pattern matches in a file of the page.
func find(t *testing.T, name, pattern string) string {
	t.Helper()
	file, err := fs.ReadFile(web.FS, name)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(pattern).FindSubmatch(file)
	if match == nil {
		t.Fatalf("%s has no %s", name, pattern)
	}
	return string(match[1])
}
