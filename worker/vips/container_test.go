package vips

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	stdimage "image"
	"image/color"
	"image/jpeg"
	"testing"

	"github.com/h2non/bimg"
)

// extras is what the files written here carry beside their pixels.
type extras struct {
	icc, exif, xmp, iptc []byte // exif begins with the TIFF header
	comment              string
}

// exifOf is an EXIF block with an orientation, a maker's name and a place.
func exifOf(orientation int) []byte {
	const entries = 4
	b := []byte("MM\x00\x2a\x00\x00\x00\x08")
	b = binary.BigEndian.AppendUint16(b, entries)
	end := uint32(8 + 2 + 12*entries + 4)
	maker := "PresizeCam Secret\x00"
	entry := func(tag, kind uint16, count uint32, value ...byte) {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint32(b, count)
		b = append(b, value...)
	}
	entry(0x010f, 2, uint32(len(maker)), binary.BigEndian.AppendUint32(nil, end)...) // Make
	entry(0x0112, 3, 1, 0, byte(orientation), 0, 0)
	entry(0x013c, 2, 4, 'H', 'o', 's', 0) // HostComputer
	gps := end + uint32(len(maker))
	entry(0x8825, 4, 1, binary.BigEndian.AppendUint32(nil, gps)...) // GPS IFD
	b = append(b, 0, 0, 0, 0)
	b = append(b, maker...)
	b = binary.BigEndian.AppendUint16(b, 1)
	entry(0x0012, 2, 4, 'G', 'P', 'S', 0) // GPSMapDatum
	return append(b, 0, 0, 0, 0)
}

func writeJPEG(t testing.TB, img stdimage.Image, with extras) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	return addToJPEG(b.Bytes(), with)
}

func addToJPEG(file []byte, with extras) []byte {
	out := bytes.Clone(file[:2])
	segment := func(marker byte, parts ...string) {
		size := 2
		for _, part := range parts {
			size += len(part)
		}
		out = append(out, 0xff, marker, byte(size>>8), byte(size))
		for _, part := range parts {
			out = append(out, part...)
		}
	}
	if with.exif != nil {
		segment(0xe1, "Exif\x00\x00", string(with.exif))
	}
	if with.xmp != nil {
		segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00", string(with.xmp))
	}
	if with.icc != nil {
		segment(0xe2, "ICC_PROFILE\x00\x01\x01", string(with.icc))
	}
	if with.iptc != nil {
		segment(0xed, "Photoshop 3.0\x00", string(with.iptc))
	}
	if with.comment != "" {
		segment(0xfe, with.comment)
	}
	return append(out, file[2:]...)
}

func writePNG(t testing.TB, img stdimage.Image, with extras) []byte {
	t.Helper()
	file := encodePNG(t, img)
	const header = 8 + 25 // signature and IHDR
	out := bytes.Clone(file[:header])
	chunk := func(kind string, data []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
		start := len(out)
		out = append(append(out, kind...), data...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[start:]))
	}
	if with.icc != nil {
		var packed bytes.Buffer
		w := zlib.NewWriter(&packed)
		_, _ = w.Write(with.icc)
		_ = w.Close()
		chunk("iCCP", append([]byte("icc\x00\x00"), packed.Bytes()...))
	}
	if with.exif != nil {
		chunk("eXIf", with.exif)
	}
	if with.xmp != nil {
		chunk("iTXt", append([]byte("XML:com.adobe.xmp\x00\x00\x00\x00\x00"), with.xmp...))
	}
	if with.comment != "" {
		chunk("tEXt", []byte("Comment\x00"+with.comment))
	}
	return append(out, file[header:]...)
}

// writeWebP writes a lossless file in the extended format (RFC 9649 §2.7).
func writeWebP(t testing.TB, img stdimage.Image, with extras) []byte {
	t.Helper()
	simple, err := bimg.Resize(encodePNG(t, img), bimg.Options{Type: bimg.WEBP, Lossless: true, StripMetadata: true})
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(simple, []byte("VP8L"))
	if at < 0 {
		t.Fatal("not lossless")
	}
	size := img.Bounds().Size()
	var flags byte
	var body []byte
	chunk := func(kind string, data []byte) {
		body = binary.LittleEndian.AppendUint32(append(body, kind...), uint32(len(data)))
		body = append(body, data...)
		if len(data)%2 == 1 {
			body = append(body, 0)
		}
	}
	if with.icc != nil {
		flags |= 0x20
		chunk("ICCP", with.icc)
	}
	body = append(body, simple[at:at+8+int(binary.LittleEndian.Uint32(simple[at+4:])+1)&^1]...)
	if with.exif != nil {
		flags |= 0x08
		chunk("EXIF", with.exif)
	}
	if with.xmp != nil {
		flags |= 0x04
		chunk("XMP ", with.xmp)
	}
	w, h := size.X-1, size.Y-1
	head := []byte{flags, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}
	out := append([]byte("WEBPVP8X\x0a\x00\x00\x00"), head...)
	out = append(out, body...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(out))), out...)
}

// samples are the pixels of an image as a TIFF has them: grey, RGB or CMYK after
// the image's own type, of 8 bits or 16.
func samples(img stdimage.Image) (pixels []byte, bands, bits int) {
	bands, bits = 3, 8
	switch img := img.(type) {
	case *stdimage.CMYK:
		return img.Pix, 4, bits
	case *stdimage.Gray16:
		bands, bits = 1, 16
	case *stdimage.NRGBA64:
		bits = 16
	}
	size := img.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			c := color.NRGBA64Model.Convert(img.At(x, y)).(color.NRGBA64)
			for _, v := range []uint16{c.R, c.G, c.B}[:bands] {
				if bits == 16 {
					pixels = binary.LittleEndian.AppendUint16(pixels, v)
				} else {
					pixels = append(pixels, byte(v>>8))
				}
			}
		}
	}
	return pixels, bands, bits
}

// writeTIFF writes an uncompressed file (TIFF 6.0).
func writeTIFF(t testing.TB, img stdimage.Image, orientation int, with extras) []byte {
	t.Helper()
	size := img.Bounds().Size()
	pixels, bands, bits := samples(img)
	photometric := map[int]int{1: 1, 3: 2, 4: 5}[bands]
	type entry struct {
		tag, kind uint16
		count     uint32
		data      []byte
	}
	short := func(values ...int) (b []byte) {
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		return b
	}
	long := func(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
	entries := []entry{
		{256, 4, 1, long(size.X)}, {257, 4, 1, long(size.Y)},
		{258, 3, uint32(bands), short([]int{bits, bits, bits, bits}[:bands]...)},
		{259, 3, 1, short(1)}, {262, 3, 1, short(photometric)},
	}
	if with.comment != "" {
		entries = append(entries, entry{270, 2, uint32(len(with.comment) + 1), append([]byte(with.comment), 0)})
	}
	entries = append(entries, entry{273, 4, 1, long(8)}, entry{274, 3, 1, short(orientation)},
		entry{277, 3, 1, short(bands)}, entry{278, 4, 1, long(size.Y)}, entry{279, 4, 1, long(len(pixels))})
	for _, extra := range []struct {
		tag, kind uint16
		data      []byte
	}{{700, 1, with.xmp}, {33723, 7, with.iptc}, {34675, 7, with.icc}} {
		if extra.data != nil {
			entries = append(entries, entry{extra.tag, extra.kind, uint32(len(extra.data)), extra.data})
		}
	}
	out := append([]byte("II*\x00\x00\x00\x00\x00"), pixels...)
	for i, e := range entries {
		if len(e.data) > 4 {
			if len(out)%2 == 1 {
				out = append(out, 0)
			}
			entries[i].data = long(len(out))
			out = append(out, e.data...)
		}
	}
	if len(out)%2 == 1 {
		out = append(out, 0)
	}
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)))
	out = binary.LittleEndian.AppendUint16(out, uint16(len(entries)))
	for _, e := range entries {
		out = binary.LittleEndian.AppendUint16(out, e.tag)
		out = binary.LittleEndian.AppendUint16(out, e.kind)
		out = binary.LittleEndian.AppendUint32(out, e.count)
		out = append(out, append(e.data, 0, 0, 0, 0)[:4]...)
	}
	return append(out, 0, 0, 0, 0)
}
