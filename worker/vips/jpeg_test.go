package vips

import (
	"bytes"
	"image/jpeg"
	"os"
	"testing"
)

// The file is what phones call Ultra HDR: a picture of the chart in Display P3, and behind it a
// second one that says how much brighter a screen may show which part of it. It was
// written by libvips' uhdrsave.
func TestGainMapOfAJPEGIsIgnored(t *testing.T) {
	file, err := os.ReadFile("testdata/gainmap.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for _, mark := range []string{"MPF\x00", "urn:iso:std:iso:ts:21496:-1\x00", "\xff\xd9\xff\xd8"} {
		if !bytes.Contains(file, []byte(mark)) {
			t.Fatalf("the file has no %q", mark)
		}
	}
	want, err := jpeg.Decode(bytes.NewReader(file)) // to the end of the first picture
	if err != nil {
		t.Fatal(err)
	}
	if off := worst(t, displayP3{want}, decodeWhole(t, file)); off > tolerance {
		t.Errorf("off by %v levels", off)
	}
	for _, v := range mustRender(t, file, preset(t, "card")) {
		if bytes.Contains(v.Bytes, []byte("MPF\x00")) || bytes.Contains(v.Bytes, []byte("21496")) {
			t.Errorf("%s%s: the gain map is left", v.Name, v.Format.Extension())
		}
	}
}
