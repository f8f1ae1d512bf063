package vips

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/presize/presize/internal/media"
)

// broken says why libvips could not read a file: because its end is missing, or
// for another reason.
func broken(original []byte, format media.Format) *media.Rejection {
	if truncated(original, format) {
		return media.Reject(media.Truncated, "The end of the file is missing. It may not have been saved or sent completely.")
	}
	return media.Reject(media.Corrupt, "The file is damaged: it begins as %s, but can't be read to its end.", format.Name())
}

// verdict says what an error of the decoder means for the file.
func (o *Original) verdict(format media.Format, err error) error {
	var fault *heifError
	if !errors.As(err, &fault) {
		return broken(o.file, format)
	}
	switch {
	case fault.ours():
		return err
	case fault.unsupported():
		return media.Reject(media.UnsupportedType, "The file is a %s image of a kind that can't be read.", format.Name())
	}
	return broken(o.file, format)
}

// truncated reports whether the container of an image ends before it should. It
// explains a file that can't be decoded; it does not judge one that can.
func truncated(file []byte, format media.Format) bool {
	switch format {
	case media.JPEG:
		return truncatedJPEG(file)
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

// truncatedJPEG walks the segments of a JPEG (ITU-T T.81 §B.1.1.4) to its first
// scan, past any thumbnail in the metadata, and looks for the end marker from there:
// within entropy-coded data a 0xff is always followed by something else.
func truncatedJPEG(file []byte) bool {
	const (
		startOfScan = 0xda
		endOfImage  = "\xff\xd9"
	)
	for at := 2; at+4 <= len(file) && file[at] == 0xff; {
		if file[at+1] == startOfScan {
			return !bytes.Contains(file[at:], []byte(endOfImage))
		}
		if file[at+1] == 0xff { // fill bytes may stand before a marker
			at++
			continue
		}
		at += 2 + int(binary.BigEndian.Uint16(file[at+2:]))
		if at > len(file) {
			return true
		}
	}
	return false
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
