// Package phototest gives tests the real photos that the bimg module carries in
// its testdata. They are read from the module cache; nothing is copied.
package phototest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dir is looked up when the test starts: later the working directory may be one
// from which the go command does not see the module.
var dir, errDir = find()

func find() (string, error) {
	module, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/h2non/bimg").Output()
	return filepath.Join(strings.TrimSpace(string(module)), "testdata"), err
}

// Path returns the path of a photo.
func Path(t testing.TB, name string) string {
	t.Helper()
	if errDir != nil {
		t.Fatal("the photos of bimg are not found: ", errDir)
	}
	return filepath.Join(dir, name)
}

// Read returns a photo.
func Read(t testing.TB, name string) []byte {
	t.Helper()
	photo, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return photo
}
