package vips

import (
	"encoding/binary"
	"iter"

	"github.com/presize/presize/internal/media"
)

const gifScreenSize = 13 // bytes of the header and the logical screen descriptor

// gifBlock is a block of a GIF (GIF89a, appendix B) with its data.
type gifBlock struct {
	kind  byte   // gifExtension or gifImage
	bytes []byte // from its first one on; some are missing where the file ends
	whole bool
}

const (
	gifExtension = 0x21
	gifImage     = 0x2c
)

// gifBlocks yields the blocks up to the trailer, or to what is none. The last one may not be
// whole.
func gifBlocks(file []byte) iter.Seq[gifBlock] {
	return func(yield func(gifBlock) bool) {
		const imageSize = 10 // of an image descriptor
		rest := file[gifStart(file):]
		for len(rest) > 0 && (rest[0] == gifExtension || rest[0] == gifImage) {
			size := 2 // an extension and its label
			if rest[0] == gifImage {
				size = imageSize + 1 // and the code size
				if len(rest) >= imageSize {
					size += colorTable(rest[9])
				}
			}
			for size < len(rest) && rest[size] != 0 { // data comes in blocks up to an empty one
				size += 1 + int(rest[size])
			}
			whole := size < len(rest)
			size = min(size+1, len(rest))
			if !yield(gifBlock{rest[0], rest[:size], whole}) {
				return
			}
			rest = rest[size:]
		}
	}
}

// gifStart is where the first block begins.
func gifStart(file []byte) int {
	if len(file) < gifScreenSize {
		return len(file)
	}
	return min(gifScreenSize+colorTable(file[10]), len(file))
}

// truncatedGIF reports whether a GIF ends within a block. libvips does not tell: it leaves
// out what is missing. Only the trailer may be absent, without which nothing is lost.
func truncatedGIF(file []byte) bool {
	if len(file) < gifScreenSize || len(file) < gifScreenSize+colorTable(file[10]) {
		return true
	}
	for block := range gifBlocks(file) {
		if !block.whole {
			return true
		}
	}
	return false
}

// colorTable is the size of the color table that a packed field announces, in bytes.
func colorTable(packed byte) int {
	if packed&0x80 == 0 {
		return 0
	}
	return 3 << (packed&7 + 1)
}

// onItsCanvas returns a GIF as libvips takes it for what it is, and how many frames come
// before the first. libvips guesses the size of the canvas from the first frame where the
// logical screen has certain sizes or is large, and leaves alpha out, black, where no frame
// has a transparent color. Browsers do neither. A first frame of one transparent pixel in
// the bottom right corner tells it the truth.
func onItsCanvas(file []byte) (seen []byte, skip int) {
	if len(file) < gifScreenSize {
		return file, 0
	}
	screen := media.Extent{Width: int(binary.LittleEndian.Uint16(file[6:])), Height: int(binary.LittleEndian.Uint16(file[8:]))}
	var first media.Extent // that the first frame reaches
	var covers, known, transparent bool
	for block := range gifBlocks(file) {
		switch {
		case block.kind == gifExtension && len(block.bytes) > 3 && block.bytes[1] == 0xf9: // graphic control
			transparent = transparent || block.bytes[3]&1 != 0
		case block.kind == gifImage && !known && len(block.bytes) >= 9:
			known = true
			at := func(i int) int { return int(binary.LittleEndian.Uint16(block.bytes[i:])) }
			first = media.Extent{Width: at(1) + at(5), Height: at(3) + at(7)}
			covers = at(1) == 0 && at(3) == 0 && first.Width >= screen.Width && first.Height >= screen.Height
		}
	}
	canvas := media.Extent{Width: max(screen.Width, first.Width), Height: max(screen.Height, first.Height)}
	const largest = 0xffff // of what a frame can reach
	guessed := first != canvas && screen.Width > 0 && screen.Height > 0
	if !known || covers || transparent && !guessed || canvas.Width > largest || canvas.Height > largest {
		return file, 0
	}
	corner := []byte{gifExtension, 0xf9, 4, 1<<2 | 1, 0, 0, 0, 0, gifImage} // it stays; the color 0 is transparent
	for _, v := range []int{canvas.Width - 1, canvas.Height - 1, 1, 1} {
		corner = binary.LittleEndian.AppendUint16(corner, uint16(v))
	}
	corner = append(corner, 0, 2, 2, 0x44, 1, 0) // the codes clear, 0 and end, of 3 bits each
	start := gifStart(file)
	seen = append(append(append(seen, file[:start]...), corner...), file[start:]...)
	return seen, 1
}
