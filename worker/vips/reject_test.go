package vips

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	stdimage "image"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/phototest"
)

func TestRejectedFiles(t *testing.T) {
	photo := phototest.Read(t, "test_exif_full.jpg")
	convert := func(to bimg.ImageType) []byte {
		file, err := bimg.Resize(phototest.Read(t, "test.jpg"), bimg.Options{Type: to, Speed: 9})
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	half := func(file []byte) []byte { return file[:len(file)/2] }
	damaged := func(file []byte) []byte {
		file = bytes.Clone(file)
		copy(file[len(file)/2:], bytes.Repeat([]byte{0x55, 0xaa}, len(file)/8))
		return file
	}
	defaults := media.DefaultLimits()
	for _, test := range []struct {
		name   string
		file   []byte
		limits media.Limits
		want   media.Code
	}{
		{"empty file", nil, defaults, media.Empty},
		{"text", []byte("a letter to my grandmother"), defaults, media.UnsupportedType},
		{"SVG", phototest.Read(t, "test.svg"), defaults, media.UnsupportedType},
		{"PDF", phototest.Read(t, "test.pdf"), defaults, media.UnsupportedType},
		{"JPEG 2000", phototest.Read(t, "test.jp2"), defaults, media.UnsupportedType},
		{"one byte over", photo, media.Limits{Bytes: int64(len(photo)) - 1, Pixels: 1e9, Frames: 1}, media.TooManyBytes},
		{"one pixel over", photo, media.Limits{Bytes: 1e9, Pixels: 3024*4032 - 1, Frames: 1}, media.TooManyPixels},
		{"pixel bomb", bomb(t), defaults, media.TooManyPixels},
		{"one frame over", phototest.Read(t, "test.gif"), media.Limits{Bytes: 1e9, Pixels: 1e9, Frames: 23}, media.TooManyFrames},
		{"JPEG with bad entropy coding", phototest.Read(t, "corrupt.jpg"), defaults, media.Corrupt},
		{"magic bytes only", []byte("\xff\xd8\xff\xe0"), defaults, media.Truncated},
		{"half a photo", half(photo), defaults, media.Truncated},
		{"half a PNG", half(phototest.Read(t, "test.png")), defaults, media.Truncated},
		{"half a WebP", half(phototest.Read(t, "test.webp")), defaults, media.Truncated},
		{"part of the first frame of a GIF", phototest.Read(t, "test.gif")[:20_000], defaults, media.Truncated},
		{"half an AVIF", half(phototest.Read(t, "test.avif")), defaults, media.Truncated},
		{"half a HEIC", half(phototest.Read(t, "test.heic")), defaults, media.Truncated},
		{"damaged TIFF", half(convert(bimg.TIFF)), defaults, media.Corrupt},
		{"damaged PNG", damaged(phototest.Read(t, "test.png")), defaults, media.Corrupt},
		{"damaged AVIF", damaged(convert(bimg.AVIF)), defaults, media.Corrupt},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Probe(test.file, test.limits)
			if err == nil {
				_, _, err = render(test.file, preset(t, "photo"))
			}
			var rejection *media.Rejection
			if !errors.As(err, &rejection) {
				t.Fatalf("not rejected: %v", err)
			}
			if rejection.Code != test.want {
				t.Errorf("got %v, want %s", rejection, test.want)
			}
			if rejection.Detail == "" || rejection.Detail[len(rejection.Detail)-1] != '.' {
				t.Errorf("not a sentence: %q", rejection.Detail)
			}
		})
	}
}

// bomb is a PNG of some hundred bytes whose header says 60,000 x 60,000 pixels.
func bomb(t *testing.T) []byte {
	file := encodePNG(t, stdimage.NewGray(stdimage.Rect(0, 0, 8, 8)))
	header := file[12:29] // type and data of IHDR, which its CRC covers
	binary.BigEndian.PutUint32(header[4:], 60_000)
	binary.BigEndian.PutUint32(header[8:], 60_000)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(header))
	return file
}

func TestAcceptedInSpiteOfStrayBytes(t *testing.T) {
	photo := phototest.Read(t, "test.jpg")
	end := bytes.LastIndex(photo, []byte("\xff\xd9"))
	before := append(append(bytes.Clone(photo[:end]), 1, 2, 3), photo[end:]...)
	behind := append(bytes.Clone(photo), "trailer"...)
	progressive, err := bimg.Resize(photo, bimg.Options{Type: bimg.JPEG, Interlace: true})
	if err != nil {
		t.Fatal(err)
	}
	end = bytes.LastIndex(progressive, []byte("\xff\xd9"))
	scans := append(append(bytes.Clone(progressive[:end]), 1, 2, 3), progressive[end:]...)
	for name, file := range map[string][]byte{"before the end": before, "behind the end": behind, "in a progressive JPEG": scans} {
		if variants, _, err := render(file, preset(t, "avatar")); err != nil || len(variants) != 9 {
			t.Errorf("%s: %d variants, %v", name, len(variants), err)
		}
	}
}
