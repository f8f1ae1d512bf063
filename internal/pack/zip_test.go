package pack

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWriteGivesTheSameBytesForTheSameFiles(t *testing.T) {
	files := []File{
		{Name: "lib/b", Mode: 0o755, Data: bytes.Repeat([]byte("presize "), 10_000)},
		{Name: "a", Mode: 0o644, Data: []byte("a")},
		{Name: "lib/c", Mode: 0o644},
	}
	folder := t.TempDir()
	first, second := filepath.Join(folder, "new", "first.zip"), filepath.Join(folder, "second.zip")
	if err := Write(first, files...); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(files)
	if err := Write(second, files...); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readFile(t, first), readFile(t, second)) {
		t.Error("the order in which files are given changes the archive")
	}
}

func TestReadGivesBackWhatWriteWasGiven(t *testing.T) {
	want := []File{
		{Name: "bootstrap", Mode: 0o755, Data: []byte("\x7fELF")},
		{Name: "share/doc/README.md", Mode: 0o644, Data: []byte("text")},
	}
	path := filepath.Join(t.TempDir(), "x.zip")
	if err := Write(path, want...); err != nil {
		t.Fatal(err)
	}
	got, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestWriteFixesTimesAndCompresses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zip")
	if err := Write(path, File{Name: "zeros", Mode: 0o644, Data: make([]byte, 1<<20)}); err != nil {
		t.Fatal(err)
	}
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	entry := archive.File[0]
	if want := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); !entry.Modified.Equal(want) {
		t.Errorf("modified at %v, want %v", entry.Modified, want)
	}
	if entry.CompressedSize64 > 2048 {
		t.Errorf("1 MiB of zeros takes %d bytes", entry.CompressedSize64)
	}
}

func TestWriteThatFailsLeavesTheOldArchive(t *testing.T) {
	tests := map[string]struct {
		files []File
		want  string
	}{
		"name twice":        {[]File{{Name: "a"}, {Name: "b"}, {Name: "a"}}, "twice"},
		"absolute name":     {[]File{{Name: "/etc/passwd"}}, "can't be packed"},
		"name that escapes": {[]File{{Name: "../bootstrap"}}, "can't be packed"},
		"symbolic link":     {[]File{{Name: "lib.so", Mode: 0o777 | os.ModeSymlink}}, "can't be packed"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "x.zip")
			if err := Write(path, File{Name: "old", Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			before := readFile(t, path)
			err := Write(path, test.files...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if !bytes.Equal(readFile(t, path), before) {
				t.Error("the old archive is gone")
			}
			left, err := os.ReadDir(folder)
			if err != nil {
				t.Fatal(err)
			}
			if len(left) != 1 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
