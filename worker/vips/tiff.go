package vips

// #include "bridge.h"
import "C"

import "encoding/binary"

// tiffHeader returns what makes an uncompressed TIFF (TIFF 6.0, Adobe 1992) of the
// image's pixels where it stands before them: the form in which bimg takes pixels
// without any loss and almost without any work.
func (i *image) tiffHeader() []byte {
	type entry struct {
		tag, kind    uint16
		count, value uint32
	}
	const (
		short, long = 3, 4
		directory   = 8
		alpha       = 2 // ExtraSamples: unassociated alpha
	)
	bands := uint32(i.bands)
	entries := []entry{ // in ascending order of the tags, as the format demands
		{256, long, 1, uint32(i.Width)},
		{257, long, 1, uint32(i.Height)},
		{258, short, bands, 0},                           // BitsPerSample, at an offset that is set below
		{259, short, 1, 1},                               // Compression: none
		{262, short, 1, 2},                               // PhotometricInterpretation: RGB
		{273, long, 1, C.PRESIZE_HEADROOM},               // StripOffsets
		{277, short, 1, bands},                           // SamplesPerPixel
		{278, long, 1, uint32(i.Height)},                 // RowsPerStrip: one strip
		{279, long, 1, uint32(i.Width*i.Height) * bands}, // StripByteCounts
	}
	if i.bands == 4 {
		entries = append(entries, entry{338, short, 1, alpha})
	}
	const entrySize = 12
	entries[2].value = uint32(directory + 2 + entrySize*len(entries) + 4)

	b := make([]byte, 0, C.PRESIZE_HEADROOM)
	b = append(b, "II*\x00"...)
	b = binary.LittleEndian.AppendUint32(b, directory)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(entries)))
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.kind)
		b = binary.LittleEndian.AppendUint32(b, e.count)
		b = binary.LittleEndian.AppendUint32(b, e.value)
	}
	b = binary.LittleEndian.AppendUint32(b, 0) // no further directory
	for range i.bands {
		b = binary.LittleEndian.AppendUint16(b, 8) // BitsPerSample
	}
	return b
}
