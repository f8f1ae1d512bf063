package web_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/web"
)

func TestPageIsEmbeddedWholeAndWithoutItsTests(t *testing.T) {
	var want []string
	for _, pattern := range []string{"*.html", "*.css", "*.js", "*.svg"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, names...)
	}
	want = slices.DeleteFunc(want, func(name string) bool { return strings.HasSuffix(name, ".test.js") })
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
		if web.ContentType(name) == "" {
			t.Errorf("%s has no content type", name)
		}
	}
}
