package vips

import (
	"bytes"
	"encoding/binary"
	stdimage "image"
	"image/draw"
	"slices"
	"testing"
)

// chunk is a chunk of a WebP (RFC 9649 §2.3).
type chunk struct {
	name string
	data []byte
}

func readChunks(t testing.TB, data []byte) (chunks []chunk) {
	t.Helper()
	for len(data) > 0 {
		size := int(binary.LittleEndian.Uint32(data[4:]))
		chunks = append(chunks, chunk{string(data[:4]), data[8 : 8+size]})
		data = data[8+size+size%2:]
	}
	return chunks
}

func writeChunks(chunks ...chunk) []byte {
	var b bytes.Buffer
	for _, c := range chunks {
		b.WriteString(c.name)
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(c.data))))
		b.Write(c.data)
		b.Write(make([]byte, len(c.data)%2))
	}
	return b.Bytes()
}

func joinWebP(chunks ...chunk) []byte {
	return writeChunks(chunk{"RIFF", append([]byte("WEBP"), writeChunks(chunks...)...)})
}

func uint24(v int) []byte     { return []byte{byte(v), byte(v >> 8), byte(v >> 16)} }
func readUint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

// extended is the first chunk of a WebP with more than pixels in it.
func extended(flags byte, size stdimage.Point) chunk {
	return chunk{"VP8X", slices.Concat([]byte{flags, 0, 0, 0}, uint24(size.X-1), uint24(size.Y-1))}
}

const ( // flags of VP8X
	flagAnimation = 1 << 1
	flagEXIF      = 1 << 3
	flagAlpha     = 1 << 4
	flagICC       = 1 << 5
)

// animation is a WebP as its chunks describe it, read without any codec but that
// of still images.
type animation struct {
	plays  int // 0 for ever
	delays []int
	frames []*stdimage.NRGBA // whole
}

// parseAnimation returns nil for a still image.
func parseAnimation(t testing.TB, file []byte) *animation {
	t.Helper()
	chunks := readChunks(t, file[12:])
	if chunks[0].name != "VP8X" || chunks[0].data[0]&flagAnimation == 0 {
		return nil
	}
	canvas := stdimage.NewNRGBA(stdimage.Rect(0, 0, readUint24(chunks[0].data[4:])+1, readUint24(chunks[0].data[7:])+1))
	a := new(animation)
	for _, c := range chunks {
		switch c.name {
		case "ANIM":
			a.plays = int(binary.LittleEndian.Uint16(c.data[4:]))
		case "ANMF": // RFC 9649 §2.7.1.1
			at := stdimage.Pt(2*readUint24(c.data), 2*readUint24(c.data[3:]))
			size := stdimage.Pt(readUint24(c.data[6:])+1, readUint24(c.data[9:])+1)
			a.delays = append(a.delays, readUint24(c.data[12:]))
			area := stdimage.Rectangle{Min: at, Max: at.Add(size)}
			still := joinWebP(append([]chunk{extended(flagAlpha, size)}, readChunks(t, c.data[16:])...)...)
			operator := draw.Over
			if c.data[15]&2 != 0 { // do not blend
				operator = draw.Src
			}
			draw.Draw(canvas, area, decodeAny(t, still), stdimage.Point{}, operator)
			whole := stdimage.NewNRGBA(canvas.Rect)
			copy(whole.Pix, canvas.Pix)
			a.frames = append(a.frames, whole)
			if c.data[15]&1 != 0 { // dispose
				draw.Draw(canvas, area, stdimage.Transparent, stdimage.Point{}, draw.Src)
			}
		}
	}
	return a
}
