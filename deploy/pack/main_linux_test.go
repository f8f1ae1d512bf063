package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presize/presize/internal/pack"
)

func TestArchiveHoldsOneExecutableBootstrapAndIsTheSameEachTime(t *testing.T) {
	folder := t.TempDir()
	binary := compile(t, folder, "api", `void _start(void) {}`, "-static", "-no-pie")
	first, second := filepath.Join(folder, "first.zip"), filepath.Join(folder, "second.zip")
	for _, out := range []string{first, second} {
		if err := run(out, "", binary); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(readFile(t, first), readFile(t, second)) {
		t.Error("two runs differ")
	}
	files, err := pack.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Name != "bootstrap" || files[0].Mode != 0o755 {
		t.Fatalf("archive holds %v", files)
	}
	if !bytes.Equal(files[0].Data, readFile(t, binary)) {
		t.Error("bootstrap is not the binary")
	}
}

func TestBinaryIsCheckedAgainstTheLibrariesInTheLayersLibFolder(t *testing.T) {
	folder := t.TempDir()
	library := compile(t, folder, "libvips.so.1", `void render(void) {}`, "-shared", "-Wl,-soname,libvips.so.1")
	binary := compile(t, folder, "worker", `void render(void); void _start(void) { render(); }`,
		"-L"+folder, "-l:libvips.so.1")
	for name, passes := range map[string]bool{
		"lib/libvips.so.1":       true,
		"lib/other.so.1":         false,
		"libvips.so.1":           false,
		"share/lib/libvips.so.1": false,
	} {
		t.Run(name, func(t *testing.T) {
			layer, out := filepath.Join(t.TempDir(), "layer.zip"), filepath.Join(t.TempDir(), "worker.zip")
			if err := pack.Write(layer, pack.File{Name: name, Mode: 0o755, Data: readFile(t, library)}); err != nil {
				t.Fatal(err)
			}
			err := run(out, layer, binary)
			_, missing := os.Stat(out)
			if passes && (err != nil || missing != nil) {
				t.Errorf("refused: %v, %v", err, missing)
			}
			if !passes && (err == nil || !strings.Contains(err.Error(), "libvips.so.1") || missing == nil) {
				t.Errorf("error %v, want one that names libvips.so.1 and no archive", err)
			}
		})
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	folder := t.TempDir()
	binary := compile(t, folder, "api", `void _start(void) {}`, "-static", "-no-pie")
	out := filepath.Join(folder, "api.zip")
	if err := run(out, "", filepath.Join(folder, "absent")); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("binary: got %v", err)
	}
	if err := run(out, binary, binary); err == nil || !strings.Contains(err.Error(), binary) {
		t.Errorf("layer that is no archive: got %v", err)
	}
}

func compile(t *testing.T, folder, name, source string, args ...string) string {
	t.Helper()
	input, output := filepath.Join(t.TempDir(), "source.c"), filepath.Join(folder, name)
	if err := os.WriteFile(input, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	command := append([]string{"-nostdlib", "-fPIC", "-o", output, input}, args...)
	if out, err := exec.Command("gcc", command...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return output
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
