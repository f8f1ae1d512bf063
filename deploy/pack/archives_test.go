//go:build !quick

package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/presize/presize/internal/pack"
)

// arch is the architecture of the archives to test. Another one than this machine's runs in QEMU, with the shared
// libraries that Debian's cross compiler comes with.
var arch = flag.String("arch", runtime.GOARCH, "architecture of the archives to test: amd64 or arm64")

// packages is where make puts archives. It is absolute because the S3 server of the tests changes the working
// directory.
var packages, _ = filepath.Abs("../../build/package")

func TestArchivesAreSmall(t *testing.T) {
	for name, most := range map[string]int64{"api.zip": 8e6, "worker.zip": 8e6, "notify.zip": 6e6, "libvips.zip": 11e6} {
		archive, err := os.Stat(filepath.Join(packages, *arch, name))
		if err != nil {
			t.Fatalf("%v: has make made it?", err)
		}
		if archive.Size() > most {
			t.Errorf("%s has %d bytes, want at most %d", name, archive.Size(), most)
		}
	}
}

func TestListTellsWhatIsInArchives(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "a.zip")
	if err := pack.Write(archive, pack.File{Name: "lib/b", Mode: 0o644, Data: make([]byte, 1_500_000)}); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := list(&out, []string{archive}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "a.zip: 0.0 MB, CodeSha256 ") || !strings.HasSuffix(got, "\n  lib/b: 1.5 MB\n") {
		t.Errorf("got %s", got)
	}
	if err := list(&out, []string{archive + "x"}); err == nil {
		t.Error("no error for an archive that is not there")
	}
}
