package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const packages = "node_modules/@img"

func TestLayerOfADarwinLibraryIsRefused(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "layer.zip")
	if err := run(".", "darwin", "arm64", "", archive); err == nil {
		t.Error("made")
	}
}

func TestTreeIsTheSameEachTimeAndWhereverItLies(t *testing.T) {
	first, second := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	for _, tree := range []string{first, second, second} {
		if err := run(".", "linux", "arm64", tree, ""); err != nil {
			t.Fatal(err)
		}
	}
	want, got := contents(t, first), contents(t, second)
	if len(want) < 100 {
		t.Fatalf("tree has only %d files", len(want))
	}
	if len(got) != len(want) {
		t.Errorf("%d files, then %d", len(want), len(got))
	}
	for name, data := range want {
		if got[name] != data {
			t.Errorf("%s differs", name)
		}
	}
}

func TestTreeServesACompilerAndTheLoader(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "libvips")
	if err := run(".", runtime.GOOS, runtime.GOARCH, tree, ""); err != nil {
		t.Fatal(err)
	}
	config := exec.Command("pkg-config", "--cflags", "--libs", "vips >= 8.18", "heif")
	config.Env = append(os.Environ(), "PKG_CONFIG_PATH="+filepath.Join(tree, "pkgconfig"))
	flags, err := config.CombinedOutput()
	if err != nil {
		t.Fatalf("pkg-config: %v\n%s", err, flags)
	}
	// Includes what bimg 1.1.9 includes, and calls what the compatibility header adds.
	source := filepath.Join(t.TempDir(), "probe.c")
	program := `
#include <vips/vips.h>
#include <vips/foreign.h>
#include <vips/vips7compat.h>
#include <vips/vector.h>
#include <libheif/heif.h>

int main(int argc, char **argv) {
	if (VIPS_INIT(argv[0]))
		return 1;
	im__print_all();
	if (vips_magickload_buffer("", 0, NULL, "access", VIPS_ACCESS_RANDOM, NULL) != -1)
		return 2;
	printf("%s|libheif %s|%d|%s", vips_version_string(), heif_get_version(),
		heif_have_decoder_for_format(heif_compression_HEVC), vips_error_buffer());
	return 0;
}`
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	probe := filepath.Join(t.TempDir(), "probe")
	args := []string{"-Wall", "-Werror", "-o", probe, source, "-Wl,-rpath," + filepath.Join(tree, "lib")}
	if out, err := exec.Command("gcc", append(args, strings.Fields(string(flags))...)...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	out, err := exec.Command(probe).CombinedOutput()
	if err != nil {
		t.Fatalf("probe: %v\n%s", err, out)
	}
	version := versionOf(t, "sharp-libvips-dev")
	if want := version + "|libheif 1.23.0|1|magickload_buffer: this libvips has no ImageMagick\n"; string(out) != want {
		t.Errorf("probe printed %q, want %q", out, want)
	}
}

func TestDarwinTreeHasTheNameTheLinkerLooksFor(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		tree := filepath.Join(t.TempDir(), "libvips")
		if err := run(".", "darwin", arch, tree, ""); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"lib/libvips-cpp.dylib", "lib/libheif.dylib", "lib/libde265.dylib", "lib/glib-2.0/include/glibconfig.h", "include/vips/vips.h"} {
			if info, err := os.Stat(filepath.Join(tree, name)); err != nil || info.Size() == 0 {
				t.Errorf("%s: %s: %v", arch, name, err)
			}
		}
	}
}

func TestTreeThatCannotBeMadeLeavesTheOldOne(t *testing.T) {
	parent := t.TempDir()
	tree := filepath.Join(parent, "libvips")
	vips, err := open(packages, "linux", "amd64")
	if err != nil {
		t.Fatal(err)
	}
	if vips.heif, err = openHEIF("wheels", "linux", "amd64"); err != nil {
		t.Fatal(err)
	}
	if err := vips.writeTree(tree); err != nil {
		t.Fatal(err)
	}
	before := contents(t, tree)
	// A library under the name of a file of the overlay: the last write, with all others done, fails.
	vips.library.Name = "pkgconfig/vips.pc"
	if err := vips.writeTree(tree); err == nil {
		t.Fatal("made")
	}
	if after := contents(t, tree); len(after) != len(before) {
		t.Errorf("%d files are left of %d", len(after), len(before))
	}
	left, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

func TestPlatformWithoutAPackageIsNamed(t *testing.T) {
	err := run(".", "linux", "s390x", "", "")
	if err == nil || !strings.Contains(err.Error(), "linux/s390x") {
		t.Errorf("got %v", err)
	}
}

func TestPackagesArePinnedToOneVersionWithoutARegistry(t *testing.T) {
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(readFile(t, "package.json"), &manifest); err != nil {
		t.Fatal(err)
	}
	var lock struct {
		Packages map[string]struct{ Version, Integrity, Resolved string }
	}
	if err := json.Unmarshal(readFile(t, "package-lock.json"), &lock); err != nil {
		t.Fatal(err)
	}
	version := manifest.Dependencies["@img/sharp-libvips-dev"]
	for name, pinned := range manifest.Dependencies {
		locked := lock.Packages["node_modules/"+name]
		if pinned != version || locked.Version != version {
			t.Errorf("%s is %s, locked at %s; want %s", name, pinned, locked.Version, version)
		}
		if !strings.HasPrefix(locked.Integrity, "sha512-") || locked.Resolved != "" {
			t.Errorf("%s: integrity %q, resolved %q", name, locked.Integrity, locked.Resolved)
		}
	}
}

func TestWheelsArePinnedByHash(t *testing.T) {
	for name, platforms := range map[string]int{"requirements.txt": 4, "headers.txt": 1} {
		var pins, hashes int
		for line := range strings.Lines(string(readFile(t, name))) {
			pins += strings.Count(line, "==")
			hashes += strings.Count(line, "--hash=sha256:")
		}
		if pins != 1 || hashes != platforms {
			t.Errorf("%s pins %d packages by %d hashes, want 1 by %d", name, pins, hashes, platforms)
		}
	}
}

func TestPlatformWithoutAWheelIsNamed(t *testing.T) {
	_, err := openHEIF(t.TempDir(), "linux", "amd64")
	if err == nil || !strings.Contains(err.Error(), "linux/amd64") {
		t.Errorf("got %v", err)
	}
}

func versionOf(t *testing.T, name string) string {
	t.Helper()
	var versions struct{ Vips string }
	if err := json.Unmarshal(readFile(t, filepath.Join(packages, name, "versions.json")), &versions); err != nil {
		t.Fatal(err)
	}
	return versions.Vips
}

// contents returns the files below folder with what is in them; links by where they lead.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(folder, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if entry.Type()&fs.ModeSymlink != 0 {
			files[name[len(folder):]], err = os.Readlink(name)
			return err
		}
		data, err := os.ReadFile(name)
		files[name[len(folder):]] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
