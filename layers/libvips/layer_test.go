//go:build !quick

package main

import (
	"bytes"
	"debug/elf"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/pack"
)

func TestLayerIsTheSameBytesEachTimeAndSmall(t *testing.T) {
	const limit = 11_000_000 // bytes; a bigger layer is a slower cold start
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			first := filepath.Join(t.TempDir(), "layer.zip")
			second := filepath.Join(t.TempDir(), "layer.zip")
			for _, archive := range []string{first, second} {
				if err := run(".", "linux", arch, "", archive); err != nil {
					t.Fatal(err)
				}
			}
			layer := readFile(t, first)
			if !bytes.Equal(layer, readFile(t, second)) {
				t.Error("two runs differ")
			}
			if len(layer) > limit {
				t.Errorf("layer is %d bytes, more than %d", len(layer), limit)
			}
			checkLayer(t, first, arch)
		})
	}
}

func checkLayer(t *testing.T, archive, arch string) {
	t.Helper()
	files, err := pack.Read(archive)
	if err != nil {
		t.Fatal(err)
	}
	var names, libraries []string
	for _, file := range files {
		names = append(names, file.Name)
		if path.Dir(file.Name) != "lib" {
			continue
		}
		library, err := elf.NewFile(bytes.NewReader(file.Data))
		if err != nil {
			t.Fatal(err)
		}
		if want := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; library.Machine != want {
			t.Errorf("%s is for %v, want %v", file.Name, library.Machine, want)
		}
		// The loader asks for a library by its SONAME, in /opt/lib.
		soname, err := library.DynString(elf.DT_SONAME)
		if err != nil {
			t.Fatal(err)
		}
		libraries = append(libraries, "lib/"+strings.Join(soname, ""))
	}
	if len(libraries) != 3 {
		t.Errorf("layer has the libraries %v", libraries)
	}
	want := append(libraries,
		"share/doc/libheif/GPL-3.0.txt", "share/doc/libheif/LGPL-3.0.txt", "share/doc/libheif/NOTICE",
		"share/doc/libvips/README.md", "share/doc/libvips/package.json", "share/doc/libvips/versions.json")
	if !slices.Equal(names, want) {
		t.Errorf("layer holds %v, want %v", names, want)
	}
}
