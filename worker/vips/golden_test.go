package vips

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

var update = flag.Bool("update", false, "write the golden file of this architecture anew")

// TestBytesChangeOnlyWithTheEngine holds every byte of the variants of one file of each kind, as a
// digest: published URLs never change their meaning. Codecs compute a little differently on each architecture.
func TestBytesChangeOnlyWithTheEngine(t *testing.T) {
	files := map[string][]byte{"pages.tif": nil, "cmyk.jpg": nil, "heif/p3.heic": nil, "heif/turned-5.avif": nil,
		"cases/hlg-bt2020-10-bit-422.heic": nil, "cases/grid-65-tiles.heic": nil, "cases/alpha-premultiplied.avif": nil}
	for name := range files {
		file, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	for _, name := range []string{"exif/Landscape_6.jpg", "transparent.png", "test.webp", "test.gif"} {
		files[name] = phototest.Read(t, name)
	}
	presets := media.Presets{
		{Name: "inside", Fit: media.Inside, Background: "#ffffff", Sizes: []media.Size{{Width: 96}, {Width: 160}}, Encoders: preset(t, "photo").Encoders},
		{Name: "cover", Fit: media.Cover, Crop: media.Attention, Background: "#ffffff", Sizes: []media.Size{{Width: 64, Height: 64}}, Encoders: preset(t, "photo").Encoders},
	}
	got := []string{"engine " + media.Engine + fmt.Sprintf(", %d threads", media.EncoderThreads)}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		for _, preset := range presets {
			var lines []string
			for _, v := range mustRender(t, files[name], preset) {
				lines = append(lines, fmt.Sprintf("%s %s %s %s %x", name, preset.Name, v.Name, v.Format, sha256.Sum256(v.Bytes)))
			}
			slices.Sort(lines) // variants come as they are ready
			got = append(got, lines...)
		}
	}
	golden := filepath.Join("testdata", "bytes."+runtime.GOARCH+".golden")
	if *update {
		if err := os.WriteFile(golden, []byte(strings.Join(got, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Split(strings.TrimSpace(string(data)), "\n")
	if want[0] != got[0] {
		t.Fatalf("the golden file is of the %s: run go test -update on every architecture", want[0])
	}
	if len(want) != len(got) {
		t.Errorf("%d variants, want %d", len(got), len(want))
	}
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			t.Errorf("bytes changed: change media.Engine\ngot  %s\nwant %s", got[i], want[i])
		}
	}
}
