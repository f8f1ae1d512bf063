package vips

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// TestConcurrentRendersKeepTheirOutcomes mixes good files, broken ones, and those
// that only libvips' message tells from broken ones: it has one buffer of
// messages for all threads.
func TestConcurrentRendersKeepTheirOutcomes(t *testing.T) {
	photo := phototest.Read(t, "test.jpg")
	end := bytes.LastIndex(photo, []byte("\xff\xd9"))
	for name, test := range map[string]struct {
		file []byte
		want media.Code // "" for a rendering
	}{
		"good JPEG":       {photo, ""},
		"stray bytes":     {append(append(bytes.Clone(photo[:end]), 1, 2, 3), photo[end:]...), ""},
		"good PNG":        {phototest.Read(t, "transparent.png"), ""},
		"bad entropy":     {phototest.Read(t, "corrupt.jpg"), media.Corrupt},
		"half a JPEG":     {photo[:len(photo)/2], media.Truncated},
		"half a WebP":     {phototest.Read(t, "test.webp")[:15_000], media.Truncated},
		"magic bytes":     {[]byte("\xff\xd8\xff\xe0"), media.Truncated},
		"no image at all": {[]byte("a letter to my grandmother"), media.UnsupportedType},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range 4 {
						variants, _, err := render(test.file, tiny())
						var rejection *media.Rejection
						switch {
						case test.want == "" && (err != nil || len(variants) != 6):
							t.Errorf("%d variants, %v", len(variants), err)
						case test.want != "" && (!errors.As(err, &rejection) || rejection.Code != test.want):
							t.Errorf("got %v, want %s", err, test.want)
						}
					}
				})
			}
			all.Wait()
		})
	}
}
