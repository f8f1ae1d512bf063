//go:build !quick

package vips

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

// traces are what the metadata of the files below contains, and the signatures of
// the containers that metadata comes in.
var traces = []string{
	"Secret", "PresizeCam", "Exif", "EXIF", "exif", "eXIf", "GPS\x00", "Apple", "Canon", "MakerNote",
	"http://ns.adobe.com", "XMP ", "xmpmeta", "Photoshop", "8BIM", "ICC_PROFILE", "ICCP", "iCCP", "acsp",
	"tEXt", "iTXt", "zTXt", "mime",
}

func checkNoTrace(t *testing.T, name string, variants []Variant) {
	t.Helper()
	for _, v := range variants {
		for _, trace := range traces {
			if bytes.Contains(v.Bytes, []byte(trace)) {
				t.Errorf("%s: %s%s contains %q", name, v.Name, v.Format.Extension(), trace)
			}
		}
		if v.Format == media.JPEG {
			checkSegments(t, name, v.Bytes)
		}
	}
}

// checkSegments allows a JPEG no application data but JFIF's, which has no room for
// a thumbnail here, and no comment.
func checkSegments(t *testing.T, name string, file []byte) {
	t.Helper()
	for at := 2; at+4 <= len(file) && file[at+1] != 0xda; {
		marker, size := file[at+1], int(binary.BigEndian.Uint16(file[at+2:]))
		jfif := marker == 0xe0 && size == 16
		if marker >= 0xe0 && marker <= 0xef && !jfif || marker == 0xfe {
			t.Errorf("%s: segment %x of %d bytes", name, marker, size)
		}
		at += 2 + size
	}
}

func TestNoVariantCarriesMetadata(t *testing.T) {
	thumbnail := writeJPEG(t, chartImage(), extras{comment: "Secret"})
	all := extras{
		icc:     p3Space().profile("RGB "),
		exif:    append(exifOf(1), thumbnail...),
		xmp:     []byte(`<x:xmpmeta xmlns:x="adobe:ns:meta/">Secret http://ns.adobe.com/exif/1.0/</x:xmpmeta>`),
		iptc:    []byte("8BIM\x04\x04\x00\x00\x00\x00\x00\x0b\x1c\x02\x78\x00\x06Secret\x00"),
		comment: "Secret comment",
	}
	small := preset(t, "card")
	small.Sizes = small.Sizes[:1]
	for name, file := range map[string][]byte{
		"JPEG": writeJPEG(t, chartImage(), all),
		"PNG":  writePNG(t, chartImage(), all),
		"WebP": writeWebP(t, chartImage(), all),
		"TIFF": writeTIFF(t, chartImage(), 1, all),
		"HEIC": readHEIF(t, "rotated.heic"),
	} {
		if !slices.ContainsFunc(traces, func(trace string) bool { return bytes.Contains(file, []byte(trace)) }) {
			t.Fatalf("%s carries nothing", name)
		}
		checkNoTrace(t, name, mustRender(t, file, small))
	}
	for _, name := range []string{"test_exif_full.jpg", "test_exif_canon.jpg", "test.heic", "vertical.jpg", "test.avif", "test.gif"} {
		checkNoTrace(t, name, mustRender(t, phototest.Read(t, name), small))
	}
}
