package vips

import (
	"bytes"
	"encoding/binary"
	"iter"

	"github.com/presize/presize/internal/media"
)

// tiffInfo is what the first directory of a TIFF (TIFF 6.0, Adobe 1992) says that libvips does not pass on.
type tiffInfo struct {
	reduced      bool // the image is a smaller version of another one in the file: NewSubfileType, bit 0
	raw          bool // DNGVersion, or samples as they come from a sensor
	photometric  uint64
	bits         uint64 // of the first sample
	samples      uint64 // of each pixel
	sampleFormat uint64
	inkSet       uint64
	extra        []uint64 // ExtraSamples

	photometricAt int // where photometric is in the file, as a number of two bytes; 0 where it is not
}

const (
	photometricRGB       = 2
	photometricSeparated = 5
	photometricLAB       = 8
	photometricCFA       = 32803
	photometricLinearRaw = 34892
	inkSetCMYK           = 1
	sampleUnsigned       = 1
	sampleFloat          = 3
)

// readTIFF reads the first directory. What can't be understood keeps its default.
func readTIFF(file []byte) tiffInfo {
	info := tiffInfo{samples: 1, bits: 1, sampleFormat: sampleUnsigned, inkSet: inkSetCMYK}
	for entry := range tiffEntries(file) {
		values := entry.values
		switch entry.tag {
		case 254: // NewSubfileType
			info.reduced = values[0]&1 != 0
		case 258: // BitsPerSample
			info.bits = values[0]
		case 262: // PhotometricInterpretation
			info.photometric = values[0]
			if entry.size == 2 {
				info.photometricAt = entry.at
			}
			info.raw = info.raw || values[0] == photometricCFA || values[0] == photometricLinearRaw
		case 277: // SamplesPerPixel
			info.samples = values[0]
		case 332: // InkSet
			info.inkSet = values[0]
		case 338: // ExtraSamples
			info.extra = values
		case 339: // SampleFormat
			info.sampleFormat = values[0]
		case 50706: // DNGVersion
			info.raw = true
		}
	}
	info.raw = info.raw || len(file) > 10 && string(file[8:10]) == "CR" // Canon's CR2
	return info
}

// bands is how many bands of a pixel hold its colors, and which one behind them is alpha,
// counted from 1; 0 is none. An extra channel without a stated meaning is something
// that a program has saved, and nothing that is to be seen.
func (t tiffInfo) bands() (colors, alpha int) {
	colors = int(t.samples) - len(t.extra)
	switch { // files with too few entries exist
	case t.photometric == photometricSeparated && t.samples >= 4:
		colors = 4
	case t.photometric != photometricSeparated && t.samples >= 3:
		colors = 3
	case colors < 1:
		return 0, 0
	}
	const associated, unassociated = 1, 2
	for i, kind := range t.extra {
		if kind == associated || kind == unassociated {
			return colors, i + 1
		}
	}
	return colors, 0
}

// check rejects what libvips would show, but not as it is meant.
func (t tiffInfo) check() error {
	switch {
	case t.raw || t.reduced:
		return media.Reject(media.UnsupportedType, "The file is a camera's raw image, which can't be shown as it is. Export it as JPEG or TIFF.")
	case t.sampleFormat != sampleUnsigned && t.sampleFormat != sampleFloat && t.sampleFormat != 4, // 4: undefined
		t.sampleFormat != sampleFloat && t.bits > 16:
		return media.Reject(media.UnsupportedType, "The TIFF has samples of a kind that can't be read; 8 or 16 bits without a sign can.")
	case t.photometric == photometricSeparated && t.inkSet != inkSetCMYK:
		return media.Reject(media.UnsupportedType, "The TIFF is separated into other inks than cyan, magenta, yellow and black.")
	}
	return nil
}

// labAsRGB returns a TIFF in CIELAB of 8 bits that says it is RGB, and true. libvips 8.18 fails
// to read it as what it is.
func labAsRGB(file []byte) ([]byte, bool) {
	info := readTIFF(file)
	if info.photometric != photometricLAB || info.bits != 8 || info.samples != 3 || info.photometricAt == 0 {
		return file, false
	}
	file = bytes.Clone(file)
	order(file).PutUint16(file[info.photometricAt:], photometricRGB)
	return file, true
}

// tiffEntry is a tag that holds whole numbers, at least one.
type tiffEntry struct {
	tag    uint64
	values []uint64
	at     int // where they are
	size   int // of each, in bytes
}

func order(file []byte) binary.ByteOrder {
	if file[0] == 'M' {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// tiffEntries yields the entries of the first directory that hold whole numbers.
func tiffEntries(file []byte) iter.Seq[tiffEntry] {
	return func(yield func(tiffEntry) bool) {
		if len(file) < 16 {
			return
		}
		r := tiffReader{file: file, order: order(file)}
		big := r.number(2, 2) == 43
		counter, entry, word := uint64(2), uint64(12), uint64(4)
		at := r.number(4, 4)
		if big {
			counter, entry, word = 8, 20, 8
			at = r.number(8, 8)
		}
		const mostEntries = 4096
		for i := range min(r.number(at, counter), mostEntries) {
			e := at + counter + entry*i
			size := map[uint64]uint64{1: 1, 3: 2, 4: 4, 16: 8}[r.number(e+2, 2)] // BYTE, SHORT, LONG, LONG8
			count := r.number(e+4, word)
			place := e + 4 + word
			if size*count > word {
				place = r.number(place, word)
			}
			const mostValues = 64
			var values []uint64
			for n := range min(count, mostValues) {
				values = append(values, r.number(place+n*size, size))
			}
			if size > 0 && len(values) > 0 && !yield(tiffEntry{r.number(e, 2), values, int(place), int(size)}) {
				return
			}
		}
	}
}

type tiffReader struct {
	file  []byte
	order binary.ByteOrder
}

// number reads a number of size bytes; it is 0 where the file has none.
func (r tiffReader) number(at, size uint64) uint64 {
	if at > uint64(len(r.file)) || size > uint64(len(r.file))-at {
		return 0
	}
	b := r.file[at:]
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(r.order.Uint16(b))
	case 4:
		return uint64(r.order.Uint32(b))
	case 8:
		return r.order.Uint64(b)
	}
	return 0
}
