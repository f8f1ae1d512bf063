package media_test

import (
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestFormatsRoundTrip(t *testing.T) {
	extensions := make(map[string]bool)
	for _, format := range media.Accepted() {
		if got, ok := media.ParseFormat(string(format)); !ok || got != format {
			t.Errorf("%s: got %q, %v", format, got, ok)
		}
		extension := format.Extension()
		if extensions[extension] || !strings.HasPrefix(extension, ".") || strings.ContainsAny(extension, "/ ") {
			t.Errorf("%s: extension %q", format, extension)
		}
		extensions[extension] = true
	}
	for _, text := range []string{"", "image/svg+xml", "application/pdf", "image/jpg", "IMAGE/PNG", "image/png; x=y", " image/png", "png"} {
		if got, ok := media.ParseFormat(text); ok {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

func TestDeclarations(t *testing.T) {
	for declared, want := range map[string]media.Format{
		"image/jpeg": media.JPEG, "image/jpg": media.JPEG, "image/pjpeg": media.JPEG, "IMAGE/JPEG": media.JPEG,
		"image/jpeg; charset=binary": media.JPEG, " image/png ;q=1": media.PNG, "image/x-png": media.PNG, "image/apng": media.PNG,
		"image/tif": media.TIFF, "image/heic-sequence": media.HEIC, "image/heif-sequence": media.HEIF,
		"application/octet-stream": media.Undeclared, "Application/Octet-Stream": media.Undeclared,
		"": "", "image/svg+xml": "", "text/html": "", "image": "", "image/jpegx": "",
	} {
		if got, ok := media.ParseDeclared(declared); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %t, want %q", declared, got, ok, want)
		}
	}
}

func TestCompatibleFormats(t *testing.T) {
	for _, actual := range media.Accepted() {
		for _, declared := range media.Accepted() {
			heif := strings.HasPrefix(string(actual), "image/hei") && strings.HasPrefix(string(declared), "image/hei")
			if got, want := actual.Compatible(declared), actual == declared || heif; got != want {
				t.Errorf("%s declared as %s: got %v, want %v", actual, declared, got, want)
			}
		}
	}
}

// ftyp is the first box of an ISO base media file.
func ftyp(brands ...string) string {
	body := "ftyp" + brands[0] + "\x00\x00\x00\x00" + strings.Join(brands[1:], "")
	return "\x00\x00\x00" + string(rune(4+len(body))) + body
}

func TestSniff(t *testing.T) {
	tests := []struct {
		name, head string
		want       media.Format
	}{
		{"JPEG", "\xff\xd8\xff\xe1\x00\x10Exif", media.JPEG},
		{"JPEG without a marker", "\xff\xd8", ""},
		{"PNG", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", media.PNG},
		{"PNG after a text transfer", "\x89PNG\n\x1a\n", ""},
		{"GIF of 1987", "GIF87a", media.GIF},
		{"GIF of 1989", "GIF89a\x01\x00", media.GIF},
		{"GIF of no year", "GIF88a", ""},
		{"TIFF, little endian", "II*\x00\x08\x00\x00\x00", media.TIFF},
		{"TIFF, big endian", "MM\x00*\x00\x00\x00\x08", media.TIFF},
		{"BigTIFF, little endian", "II+\x00\x08\x00\x00\x00", media.TIFF},
		{"BigTIFF, big endian", "MM\x00+\x00\x08\x00\x00", media.TIFF},
		{"WebP", "RIFF\x24\x00\x00\x00WEBPVP8 ", media.WebP},
		{"WAVE", "RIFF\x24\x00\x00\x00WAVEfmt ", ""},
		{"RIFF, cut off", "RIFF\x24\x00\x00\x00WEB", ""},
		{"AVIF", ftyp("avif", "mif1", "miaf"), media.AVIF},
		{"AVIF sequence", ftyp("avis", "msf1", "iso8"), media.AVIF},
		{"AVIF behind the generic brand", ftyp("mif1", "avif", "miaf"), media.AVIF},
		{"HEIC", ftyp("heic", "mif1", "heic"), media.HEIC},
		{"HEIC with more bits", ftyp("heix", "mif1"), media.HEIC},
		{"HEIC behind the generic brand", ftyp("mif1", "heic"), media.HEIC},
		{"HEIC sequence", ftyp("msf1", "hevc"), media.HEIC},
		{"HEIF of another codec", ftyp("mif1", "jpeg"), media.HEIF},
		{"brand beyond the box", ftyp("isom", "mp41") + "avif", ""},
		{"brand in the minor version", "\x00\x00\x00\x10ftypisomavif", ""},
		{"box without an end", "\x00\x00\x00\x00ftypavif\x00\x00\x00\x00", ""},
		{"box larger than any file", "\xff\xff\xff\xffftypavif\x00\x00\x00\x00", media.AVIF},
		{"MP4", ftyp("isom", "iso2", "avc1"), ""},
		{"SVG", "<?xml version=\"1.0\"?><svg>", ""},
		{"PDF", "%PDF-1.7", ""},
		{"zeros", strings.Repeat("\x00", media.SniffLength), ""},
		{"nothing", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got, ok := media.Sniff([]byte(test.head)); got != test.want && ok || ok != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, ok, test.want)
			}
		})
	}
}

// FuzzSniff checks that only accepted formats are found, and that nothing behind
// the first bytes decides.
func FuzzSniff(f *testing.F) {
	for _, head := range []string{"\xff\xd8\xff", "GIF89a", "RIFF\x24\x00\x00\x00WEBP", ftyp("mif1", "heic"), ftyp("avif"), ftyp("isom")} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		format, ok := media.Sniff(data)
		if _, accepted := media.ParseFormat(string(format)); ok && !accepted {
			t.Errorf("%q is %q", data, format)
		}
		head := data[:min(len(data), media.SniffLength)]
		if again, sure := media.Sniff(head); sure != ok || ok && again != format {
			t.Errorf("%q is %q, %v; its head is %q, %v", data, format, ok, again, sure)
		}
	})
}
