package vips

import (
	"bytes"
	"compress/lzw"
	"io"
)

// A GIF says of each frame how it is disposed of, in bits 2 to 4 of the packed field of the
// graphic control extension (GIF89a §23). Bit 0 says whether one of its colors is transparent.
const (
	gifPacked, gifTransparent = 3, 6 // where the packed field and the transparent color stand
	gifHasTransparent         = 1
	gifDisposal               = 7 << 2
	gifToBackground           = 2 << 2
)

// mostGIFPixels is how many pixels are looked at to find colors that are not in use. It is more than
// the default limit, and far less than a small file can have.
const mostGIFPixels = 1 << 27

// clearedToTransparent returns a GIF in which each frame that gives way to the background has a
// transparent color. libvips then clears it to transparent, as browsers always do. It takes the
// background color of the file for other frames.
func clearedToTransparent(file []byte) []byte {
	following := -1 // frames
	for block := range gifBlocks(file) {
		if block.kind == gifImage {
			following++
		}
	}
	var out []byte
	copied, at, control, pixels := 0, gifStart(file), -1, mostGIFPixels
	for block := range gifBlocks(file) {
		start := at
		at += len(block.bytes)
		if block.isControl() {
			control = start
		}
		if block.kind != gifImage {
			continue
		}
		of, last := control, following == 0
		control, following = -1, following-1
		if of < 0 || last || file[of+gifPacked]&(gifDisposal|gifHasTransparent) != gifToBackground || !block.whole {
			continue
		}
		frame := readGIFFrame(block.bytes, file)
		if pixels -= frame.pixels; pixels < 0 {
			break
		}
		if free, data, ok := frame.freeColor(); ok {
			out = append(out, file[copied:start]...)
			changed := out[len(out)-start+of:]
			changed[gifPacked] |= gifHasTransparent
			changed[gifTransparent] = free
			out = append(append(out, block.bytes[:frame.data]...), data...)
			copied = at
		}
	}
	if out == nil {
		return file
	}
	return append(out, file[copied:]...)
}

// isControl tells whether a block is a whole graphic control extension.
func (b gifBlock) isControl() bool {
	return b.kind == gifExtension && len(b.bytes) == 8 && b.bytes[1] == 0xf9
}

// gifFrame is a whole image block.
type gifFrame struct {
	colors []byte // 3 bytes for each
	width  int    // of the codes of colors, in bits
	data   int    // where the blocks of data begin
	blocks []byte
	pixels int
}

func readGIFFrame(block, file []byte) gifFrame {
	const descriptor = 10
	extent := func(at int) int { return int(block[at]) | int(block[at+1])<<8 }
	f := gifFrame{pixels: extent(5) * extent(7), data: descriptor + colorTable(block[9]) + 1}
	f.colors = block[descriptor : f.data-1]
	if len(f.colors) == 0 {
		f.colors = file[gifScreenSize:gifStart(file)]
	}
	f.width, f.blocks = int(block[f.data-1]), block[f.data:]
	return f
}

// freeColor finds a color that the frame does not use. Where it uses all, the two that are most
// alike become one. It returns the frame's data once more, as blocks.
func (f gifFrame) freeColor() (free byte, blocks []byte, ok bool) {
	const all = 256
	if f.width < 8 { // in which 255 can't be coded
		return all - 1, f.blocks, f.width > 1
	}
	if f.width > 8 {
		return 0, nil, false
	}
	var data []byte
	for rest := f.blocks; rest[0] != 0; rest = rest[1+int(rest[0]):] {
		data = append(data, rest[1:1+int(rest[0])]...)
	}
	var indices bytes.Buffer
	if _, err := io.CopyN(&indices, lzw.NewReader(bytes.NewReader(data), lzw.LSB, f.width), int64(f.pixels)); err != nil {
		return 0, nil, false // a color may be in use where it can't be read
	}
	var used [all]byte
	for _, index := range indices.Bytes() {
		used[index] = 1
	}
	if free := bytes.IndexByte(used[:], 0); free >= 0 {
		return byte(free), f.blocks, true
	}
	if len(f.colors) < 3*all {
		return 0, nil, false
	}
	gone, stays := f.mostAlike()
	var coded bytes.Buffer
	w := lzw.NewWriter(&coded, lzw.LSB, f.width)
	_, _ = w.Write(bytes.ReplaceAll(indices.Bytes(), []byte{gone}, []byte{stays})) // a buffer does not fail
	_ = w.Close()
	return gone, inBlocks(coded.Bytes()), true
}

// mostAlike returns the two colors that are closest to each other.
func (f gifFrame) mostAlike() (a, b byte) {
	least := 3*255*255 + 1
	for i := 0; i < len(f.colors); i += 3 {
		for j := 0; j < i; j += 3 {
			distance := 0
			for band := range 3 {
				d := int(f.colors[i+band]) - int(f.colors[j+band])
				distance += d * d
			}
			if distance < least {
				least, a, b = distance, byte(i/3), byte(j/3)
			}
		}
	}
	return a, b
}

// inBlocks splits data into blocks and ends it with an empty one.
func inBlocks(data []byte) (blocks []byte) {
	const most = 255
	for len(data) > 0 {
		n := min(len(data), most)
		blocks = append(append(blocks, byte(n)), data[:n]...)
		data = data[n:]
	}
	return append(blocks, 0)
}
