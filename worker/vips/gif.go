package vips

// truncatedGIF walks the blocks of a GIF (GIF89a, appendix B) to see whether the
// last one is whole. libvips does not tell: it leaves out what is missing. Only the
// trailer may be absent, without which nothing is lost.
func truncatedGIF(file []byte) bool {
	const (
		extension  = 0x21
		image      = 0x2c
		screenSize = 13 // of the header and the logical screen descriptor
		imageSize  = 10 // of an image descriptor
	)
	rest, ok := cut(file, screenSize)
	if !ok {
		return true
	}
	rest, ok = cut(rest, colorTable(file[10]))
	for ok && len(rest) > 0 {
		switch rest[0] {
		case extension: // and its label
			rest, ok = cut(rest, 2)
		case image:
			if len(rest) < imageSize {
				return true
			}
			rest, ok = cut(rest, imageSize+colorTable(rest[9])+1) // and the code size
		default: // the trailer, or nonsense, which is no missing end
			return false
		}
		for last := false; ok && !last; { // data comes in blocks up to an empty one
			if len(rest) == 0 {
				return true
			}
			last = rest[0] == 0
			rest, ok = cut(rest, 1+int(rest[0]))
		}
	}
	return !ok
}

// colorTable is the size of the color table that a packed field announces, in bytes.
func colorTable(packed byte) int {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (packed&7 + 1)
}

// cut returns what follows the first n bytes, and false if there are fewer.
func cut(b []byte, n int) ([]byte, bool) {
	if n > len(b) {
		return nil, false
	}
	return b[n:], true
}
