package vips

import (
	"bytes"
	"encoding/binary"

	"github.com/presize/presize/internal/media"
)

// tiling is a HEIC image as phones write it: a grid of tiles that are coded each by itself
// (ISO/IEC 23008-12 §6.6.2.3).
type tiling struct {
	extent      media.Extent // as stored, before it is turned
	orientation int          // how it is to be turned, as in EXIF
	columns     int
	tile        media.Extent // of each tile; what reaches beyond extent is cut off
	tiles       []tile       // row by row
}

// tile is one coded image.
type tile struct {
	configuration []byte // of its decoder: the content of its hvcC property
	data          []byte
}

// readTiling finds the tiles of the primary item of a HEIF file. It reports false for what
// phones do not write: mirrored or cropped images, overlays, tiles that differ in size, are
// too narrow for the decoder or have another chroma than 4:2:0, or data in several places. The file is foreign: whatever can't be
// understood is that too.
func readTiling(file []byte) (t tiling, ok bool) {
	const mostTiles, mostMeta = 1024, 256 << 10 // each tile is looked up by going through the meta box
	meta := inner(file, "meta")
	if len(meta) < 4 || len(meta) > mostMeta {
		return t, false
	}
	meta = meta[4:] // version and flags
	primary := primaryItem(meta)
	t.orientation = 1
	for kind, property := range properties(meta, primary) {
		switch kind {
		case "irot": // ISO/IEC 23008-12 §6.5.10: by so many quarters, anti-clockwise
			if len(property) < 1 {
				return t, false
			}
			t.orientation = [4]int{1, 8, 3, 6}[property[0]&3]
		case "imir", "clap":
			return t, false
		}
	}
	places := itemPlaces(file, meta)
	description := places[primary] // §6.6.2.3.2
	if itemType(meta, primary) != "grid" || len(description) < 8 {
		return t, false
	}
	rows, columns := int(description[2])+1, int(description[3])+1
	width, rest := number(description[4:], description[1]&1 != 0)
	height, _ := number(rest, description[1]&1 != 0)
	t.extent, t.columns = media.Extent{Width: int(width), Height: int(height)}, columns
	items := sources(meta, primary)
	if len(items) != rows*columns || len(items) > mostTiles {
		return t, false
	}
	for i, item := range items {
		found := tile{data: places[item]}
		var extent media.Extent
		for kind, property := range properties(meta, item) {
			switch {
			case kind == "hvcC":
				found.configuration = property
			case kind == "ispe" && len(property) >= 12: // §6.5.3
				extent.Width = int(binary.BigEndian.Uint32(property[4:]))
				extent.Height = int(binary.BigEndian.Uint32(property[8:]))
			}
		}
		if i == 0 {
			t.tile = extent
		}
		if itemType(meta, item) != "hvc1" || !subsampled(found.configuration) || len(found.data) == 0 || extent != t.tile {
			return t, false
		}
		t.tiles = append(t.tiles, found)
	}
	return t, t.tile.Width >= narrowest && covers(t.tile.Width, columns, t.extent.Width) && covers(t.tile.Height, rows, t.extent.Height)
}

// subsampled tells whether a decoder configuration (ISO/IEC 14496-15 §8.3.3.1) is for 4:2:0.
func subsampled(configuration []byte) bool {
	return len(configuration) > 16 && configuration[16]&3 == 1
}

// covers tells whether count tiles of a size fill an edge, and the last one is needed. One
// that is alone may be larger than the edge, but not without bounds; several begin at a
// whole sample of chroma.
func covers(size, count, edge int) bool {
	const largest = 8192
	return size > 0 && edge > 0 && size <= max(edge, largest) && (count-1)*size < edge && edge <= count*size &&
		(count == 1 || size%2 == 0)
}

// at is where a tile belongs in the image, in tiles from the left and from the top.
func (t tiling) at(n int) (column, row int) { return n % t.columns, n / t.columns }

// file writes a tile as a HEIC file of its own: as a grid of one tile. What is not in a
// grid libheif 1.18 converts to full chroma and back, even where that is not asked for,
// which mixes colors of other places into all four edges. What is in one it brings to full
// range, with the matrix that the codec's parameter set declares.
func (t tiling) file(n int) []byte {
	const whole, part = 1, 2 // the items
	width, height := uint32(t.tile.Width), uint32(t.tile.Height)
	u16 := func(values ...uint16) (b []byte) {
		for _, v := range values {
			b = binary.BigEndian.AppendUint16(b, v)
		}
		return b
	}
	u32 := func(values ...uint32) (b []byte) {
		for _, v := range values {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	kind := writeBox("ftyp", []byte("heic\x00\x00\x00\x00mif1heic"))
	meta := func(offset uint32) []byte {
		return writeBox("meta", u32(0),
			writeBox("hdlr", u32(0, 0), []byte("pict"), make([]byte, 13)),
			writeBox("pitm", u32(0), u16(whole)),
			writeBox("iinf", u32(0), u16(2),
				writeBox("infe", u32(2<<24), u16(whole, 0), []byte("grid\x00")),
				writeBox("infe", u32(2<<24), u16(part, 0), []byte("hvc1\x00"))),
			writeBox("iref", u32(0), writeBox("dimg", u16(whole, 1, part))),
			writeBox("iprp",
				writeBox("ipco", writeBox("hvcC", t.tiles[n].configuration), writeBox("ispe", u32(0, width, height))),
				writeBox("ipma", u32(0, 2), u16(whole), []byte{1, 2}, u16(part), []byte{2, 0x80 | 1, 2})),
			writeBox("idat", []byte{0, 1, 0, 0}, u32(width, height)),
			// Offsets and lengths have 4 bytes, bases none. The first item is in idat.
			writeBox("iloc", u32(1<<24), u16(0x4400, 2),
				u16(whole, 1, 0, 1), u32(0, 12),
				u16(part, 0, 0, 1), u32(offset, uint32(len(t.tiles[n].data)))))
	}
	data := writeBox("mdat", t.tiles[n].data)
	start := len(kind) + len(meta(0)) + len(data) - len(t.tiles[n].data)
	return bytes.Join([][]byte{kind, meta(uint32(start)), data}, nil)
}

// writeBox writes a box (ISO/IEC 14496-12 §4.2).
func writeBox(kind string, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	b := binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))
	return append(append(b, kind...), content...)
}
