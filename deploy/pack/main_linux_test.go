//go:build !quick

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/pack"
)

func TestArchiveHoldsOneExecutableBootstrapAndIsTheSameEachTime(t *testing.T) {
	folder := t.TempDir()
	binary := compile(t, folder, "api", `void _start(void) {}`, "-static", "-no-pie")
	first, second := filepath.Join(folder, "first.zip"), filepath.Join(folder, "second.zip")
	for _, out := range []string{first, second} {
		if err := run(out, "", []string{binary}); err != nil {
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
	program := compile(t, folder, "worker", `void _start(void) {}`, "-static", "-no-pie")
	binary := compile(t, folder, "renderer", `void render(void); void _start(void) { render(); }`,
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
			err := run(out, layer, []string{program, binary})
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

func TestOtherBinariesKeepTheirNames(t *testing.T) {
	folder := t.TempDir()
	worker := compile(t, folder, "worker", `void _start(void) {}`, "-static", "-no-pie")
	renderer := compile(t, folder, "renderer", `void _start(void) { for (;;); }`, "-static", "-no-pie")
	out := filepath.Join(folder, "worker.zip")
	if err := run(out, "", []string{worker, renderer}); err != nil {
		t.Fatal(err)
	}
	files, err := pack.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	for name, binary := range map[string]string{"bootstrap": worker, "renderer": renderer} {
		i := slices.IndexFunc(files, func(f pack.File) bool { return f.Name == name })
		if i < 0 || files[i].Mode != 0o755 || !bytes.Equal(files[i].Data, readFile(t, binary)) {
			t.Errorf("%s is not %s", name, binary)
		}
	}
	if len(files) != 2 {
		t.Errorf("%d files", len(files))
	}
}

func TestWhatCannotBeReadIsNamed(t *testing.T) {
	folder := t.TempDir()
	binary := compile(t, folder, "api", `void _start(void) {}`, "-static", "-no-pie")
	out := filepath.Join(folder, "api.zip")
	if err := run(out, "", []string{binary, filepath.Join(folder, "absent")}); err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("binary: got %v", err)
	}
	if err := run(out, binary, []string{binary}); err == nil || !strings.Contains(err.Error(), binary) {
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
