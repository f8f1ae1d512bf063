// Command libvips turns the prebuilt libraries that package.json and requirements.txt pin into what the project builds
// with and ships:
//
//	go run ./layers/libvips -os linux -arch arm64 -tree build/libvips/linux-arm64 -zip dist/layer-arm64.zip
//
// The tree holds headers, libraries and pkgconfig/*.pc; its pkgconfig folder goes on PKG_CONFIG_PATH. The zip is the
// Lambda layer, which Lambda unpacks in /opt, with /opt/lib on the loader's path. Either may be left out. Run it at the
// root of the repository, after npm ci in layers/libvips and after the wheels are in layers/libvips/wheels, as make does.
package main

import (
	"embed"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/presize/presize/internal/pack"
)

// overlay is laid over the packages' own files: what a build needs and they lack.
//
//go:embed overlay
var overlay embed.FS

// notices are the licence of libheif and libde265, which their wheel lacks.
//
//go:embed notices
var notices embed.FS

func main() {
	goos := flag.String("os", runtime.GOOS, "operating system, as GOOS names it: linux or darwin")
	arch := flag.String("arch", runtime.GOARCH, "architecture, as GOARCH names it: amd64 or arm64")
	tree := flag.String("tree", "", "folder to make, for the compiler and the linker")
	layer := flag.String("zip", "", "Lambda layer to make, of a linux library")
	flag.Parse()
	if err := run("layers/libvips", *goos, *arch, *tree, *layer); err != nil {
		fmt.Fprintln(os.Stderr, "libvips:", err)
		os.Exit(1)
	}
}

// run reads node_modules and wheels in folder.
func run(folder, goos, arch, tree, layer string) error {
	vips, err := open(filepath.Join(folder, "node_modules", "@img"), goos, arch)
	if err != nil {
		return err
	}
	if vips.heif, err = openHEIF(filepath.Join(folder, "wheels"), goos, arch); err != nil {
		return err
	}
	if tree != "" {
		if err := vips.writeTree(tree); err != nil {
			return fmt.Errorf("write %s: %w", tree, err)
		}
	}
	if layer != "" {
		return vips.writeLayer(layer)
	}
	return nil
}

// prebuilt is libvips for one platform.
type prebuilt struct {
	headers  fs.FS     // include folder of the package that all platforms share
	platform fs.FS     // package of the platform
	library  pack.File // the shared library, with its name in platform
	version  string    // of libvips
	heif     heif
}

func open(packages, goos, arch string) (prebuilt, error) {
	npmArch := map[string]string{"amd64": "x64", "arm64": "arm64"}[arch]
	vips := prebuilt{
		headers:  os.DirFS(filepath.Join(packages, "sharp-libvips-dev", "include")),
		platform: os.DirFS(filepath.Join(packages, "sharp-libvips-"+goos+"-"+npmArch)),
	}
	libraries, err := fs.Glob(vips.platform, "lib/libvips-cpp.*")
	if err != nil {
		return vips, err
	}
	if len(libraries) != 1 {
		return vips, fmt.Errorf("no libvips for %s/%s in %s: has npm ci been run?", goos, arch, packages)
	}
	vips.library = pack.File{Name: libraries[0], Mode: 0o755}
	if vips.library.Data, err = fs.ReadFile(vips.platform, libraries[0]); err != nil {
		return vips, err
	}
	data, err := fs.ReadFile(vips.platform, "versions.json")
	if err != nil {
		return vips, err
	}
	var versions struct{ Vips string }
	if err := json.Unmarshal(data, &versions); err != nil {
		return vips, fmt.Errorf("versions.json of %s/%s: %w", goos, arch, err)
	}
	vips.version = versions.Vips
	return vips, nil
}

// writeLayer makes the Lambda layer: the libraries, and beside them what their licences ask to be passed on.
func (vips prebuilt) writeLayer(archive string) error {
	files := append([]pack.File{vips.library}, vips.heif.libraries...)
	for _, library := range files {
		if err := pack.Check(library, files...); err != nil {
			return err
		}
	}
	texts, err := vips.heif.notices()
	if err != nil {
		return err
	}
	files = append(files, texts...)
	for _, name := range []string{"README.md", "package.json", "versions.json"} {
		data, err := fs.ReadFile(vips.platform, name)
		if err != nil {
			return err
		}
		files = append(files, pack.File{Name: "share/doc/libvips/" + name, Mode: 0o644, Data: data})
	}
	return pack.Write(archive, files...)
}

// writeTree makes the folder tree. It is written elsewhere and moved there last, so that a tree that can be seen is
// whole, and any file of it is newer than what it was made from.
func (vips prebuilt) writeTree(tree string) error {
	files, err := vips.treeFiles()
	if err != nil {
		return err
	}
	parent := filepath.Dir(tree)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	part, err := os.MkdirTemp(parent, ".tree-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := os.Chmod(part, 0o755); err != nil {
		return err
	}
	for _, file := range files {
		if err := writeNew(filepath.Join(part, file.Name), file); err != nil {
			return err
		}
	}
	// The linker looks for a library by a name without version, the loader by the one with it.
	links := vips.heif.links()
	links[strings.Replace(vips.library.Name, "."+vips.version, "", 1)] = path.Base(vips.library.Name)
	for link, target := range links {
		if err := os.Symlink(target, filepath.Join(part, link)); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(tree); err != nil {
		return err
	}
	return os.Rename(part, tree)
}

// treeFiles returns what a compiler and a linker need. The headers of the codecs inside libvips are left out.
func (vips prebuilt) treeFiles() ([]pack.File, error) {
	files := append([]pack.File{vips.library}, vips.heif.libraries...)
	files = append(files, vips.heif.headers...)
	for _, part := range []struct {
		fsys     fs.FS
		dir      string
		treePath string
	}{
		{vips.headers, "vips", "include/vips"},
		{vips.headers, "glib-2.0", "include/glib-2.0"},
		{vips.platform, "lib/glib-2.0", "lib/glib-2.0"},
		{overlay, "overlay", ""},
	} {
		err := fs.WalkDir(part.fsys, part.dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := fs.ReadFile(part.fsys, name)
			if path.Ext(name) == ".pc" {
				data = []byte(strings.ReplaceAll(string(data), "@VERSION@", vips.version))
			}
			treeName := path.Join(part.treePath, strings.TrimPrefix(name, part.dir))
			files = append(files, pack.File{Name: treeName, Mode: 0o644, Data: data})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// writeNew writes file to a place that must be free: a package that comes to have a file of the overlay needs a look.
func writeNew(place string, file pack.File) error {
	if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(place, os.O_WRONLY|os.O_CREATE|os.O_EXCL, file.Mode)
	if err != nil {
		return err
	}
	if _, err := out.Write(file.Data); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
