// Package phototest gives tests real photos: those in the testdata of the bimg module. It
// reads them from the module cache.
package phototest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// dir is looked up when the test program starts: later, tests change to working directories
// outside the module, where the go command does not find it.
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
