package vips

import (
	"bytes"
	"encoding/binary"
)

// wrapTIFF returns the image as an uncompressed TIFF (TIFF 6.0, Adobe 1992): the
// form in which bimg takes pixels without any loss and almost without any work.
func (i *image) wrapTIFF() []byte {
	type entry struct {
		tag, kind    uint16
		count, value uint32
	}
	const (
		short, long = 3, 4
		header      = 8
		alpha       = 2 // ExtraSamples: unassociated alpha
	)
	bands := uint32(i.bands)
	entries := []entry{ // in ascending order of the tags, as the format demands
		{256, long, 1, uint32(i.Width)},
		{257, long, 1, uint32(i.Height)},
		{258, short, bands, 0},                           // BitsPerSample, at an offset that is set below
		{259, short, 1, 1},                               // Compression: none
		{262, short, 1, 2},                               // PhotometricInterpretation: RGB
		{273, long, 1, 0},                                // StripOffsets, likewise
		{277, short, 1, bands},                           // SamplesPerPixel
		{278, long, 1, uint32(i.Height)},                 // RowsPerStrip: one strip
		{279, long, 1, uint32(i.Width*i.Height) * bands}, // StripByteCounts
	}
	if i.bands == 4 {
		entries = append(entries, entry{338, short, 1, alpha})
	}
	bits := uint32(header + 2 + 12*len(entries) + 4)
	data := bits + 2*bands
	entries[2].value, entries[5].value = bits, data

	pixels := i.pixels()
	b := bytes.NewBuffer(make([]byte, 0, int(data)+len(pixels)))
	b.WriteString("II*\x00")
	for _, field := range []any{uint32(header), uint16(len(entries)), entries, uint32(0), bytes.Repeat([]byte{8, 0}, i.bands)} {
		if raw, ok := field.([]byte); ok {
			b.Write(raw)
			continue
		}
		_ = binary.Write(b, binary.LittleEndian, field) // fixed-size values into memory can't fail
	}
	b.Write(pixels)
	return b.Bytes()
}
