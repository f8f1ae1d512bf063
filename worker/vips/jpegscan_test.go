package vips

import (
	"bytes"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/phototest"
)

func TestJPEGIsWholeWhereAllPixelsAreThere(t *testing.T) {
	photo := phototest.Read(t, "test.jpg")
	convert := func(options bimg.Options) []byte {
		options.Type = bimg.JPEG
		file, err := bimg.Resize(photo, options)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	progressive := convert(bimg.Options{Interlace: true, Width: 400})
	for name, file := range map[string][]byte{
		"of a camera": photo, "another": phototest.Read(t, "test_exif_canon.jpg"),
		"baseline": convert(bimg.Options{Width: 401}), "progressive": progressive,
		"grey": convert(bimg.Options{Interlace: true, Width: 333, Interpretation: bimg.InterpretationBW}),
	} {
		if got := checkJPEG(file); got != whole {
			t.Errorf("%s: %d", name, got)
		}
		end := bytes.LastIndex(file, []byte("\xff\xd9"))
		for _, tail := range []int{0, 1} {
			if got := checkJPEG(file[:end+tail]); got != whole {
				t.Errorf("%s, %d bytes behind its last scan: %d", name, tail, got)
			}
		}
		for _, part := range []int{10, 100} {
			if got := checkJPEG(file[:end-end/part]); got != cutOff {
				t.Errorf("%s, without a part of 1/%d: %d", name, part, got)
			}
			damaged := append(bytes.Clone(file[:end-end/part]), "\xff\xd9"...)
			if got := checkJPEG(damaged); got != defective && name != "progressive" && name != "grey" {
				t.Errorf("%s, ended before its last 1/%d: %d", name, part, got)
			}
		}
	}
	// An encoder may leave out scans, but then says that the image ends.
	last := bytes.LastIndex(progressive, []byte("\xff\xda"))
	if got := checkJPEG(progressive[:last]); got != cutOff {
		t.Errorf("without its last scan: %d", got)
	}
	if got := checkJPEG(append(bytes.Clone(progressive[:last]), "\xff\xd9"...)); got != whole {
		t.Errorf("ended before its last scan: %d", got)
	}
}

func FuzzCheckJPEG(f *testing.F) {
	f.Add(phototest.Read(f, "exif/Landscape_6.jpg"))
	f.Add([]byte("\xff\xd8\xff\xda\x00\x02\xff\xd9"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 2 {
			return
		}
		checkJPEG(file)
		summarize(file)
	})
}
