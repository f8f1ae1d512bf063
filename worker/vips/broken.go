package vips

import (
	"bytes"
	"encoding/binary"

	"github.com/presize/presize/internal/media"
)

// truncated reports whether the container of an image ends before it should. It
// explains a file that can't be decoded; it does not judge one that can.
func truncated(file []byte, format media.Format) bool {
	switch format {
	case media.JPEG:
		return checkJPEG(file) == cutOff
	case media.PNG:
		return !bytes.Contains(file, []byte("IEND"))
	case media.GIF:
		return truncatedGIF(file)
	case media.WebP: // RIFF: the size does not count itself and the four bytes before it
		return len(file) < 8 || uint64(len(file)) < 8+uint64(binary.LittleEndian.Uint32(file[4:]))
	case media.AVIF, media.HEIC, media.HEIF:
		return truncatedBoxes(file)
	default:
		return false // a TIFF has no order
	}
}

// truncatedBoxes walks the top-level boxes of an ISO base media file (ISO/IEC
// 14496-12 §4.2) to see whether the last one is whole.
func truncatedBoxes(file []byte) bool {
	for len(file) > 0 {
		if len(file) < 8 {
			return true
		}
		size := uint64(binary.BigEndian.Uint32(file))
		switch {
		case size == 0: // reaches to the end of the file
			return false
		case size == 1:
			if len(file) < 16 {
				return true
			}
			size = binary.BigEndian.Uint64(file[8:])
		}
		if size < 8 {
			return false // nonsense, not a missing end
		}
		if size > uint64(len(file)) {
			return true
		}
		file = file[size:]
	}
	return false
}
