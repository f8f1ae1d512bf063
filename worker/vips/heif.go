package vips

import (
	"encoding/binary"
	"iter"
)

// signal says what the numbers of a coded image mean, in the code points of
// ITU-T H.273.
type signal struct {
	primaries uint8 // ColourPrimaries
	matrix    uint8 // MatrixCoefficients
	full      bool  // VideoFullRangeFlag
}

const (
	unspecified     = 2
	primariesP3     = 12 // Display P3
	matrixIdentity  = 0
	matrixBT709     = 1
	matrixFCC       = 4
	matrixSMPTE240M = 7
	matrixYCgCo     = 8
	matrixBT2020    = 9
	matrixBT2020C   = 10
)

// readSignal finds what a HEIF file says about its primary item: in the item's
// colr property (ISO/IEC 23008-12 §6.5.5), for a grid also in that of its first
// tile, or else in the HEVC parameter set. What nothing is said about stays
// unspecified, in the limited range that HEVC infers then (ITU-T H.265 §E.3.1).
// The file is foreign: whatever can't be understood counts as not said.
func readSignal(file []byte) signal {
	meta := inner(file, "meta")
	if len(meta) < 4 {
		return signal{primaries: unspecified, matrix: unspecified}
	}
	meta = meta[4:] // version and flags
	items := []uint32{primaryItem(meta)}
	if tile, ok := firstTile(meta, items[0]); ok {
		items = append(items, tile)
	}
	var parameters []byte
	for _, item := range items {
		for kind, property := range properties(meta, item) {
			if kind == "colr" && len(property) >= 11 && string(property[:4]) == "nclx" { // ISO/IEC 14496-12 §12.1.5
				return signal{property[5], property[9], property[10]&0x80 != 0}
			}
			if kind == "hvcC" {
				parameters = property
			}
		}
	}
	return readParameters(parameters)
}

// boxes yields the boxes in b (ISO/IEC 14496-12 §4.2) as far as they are whole.
func boxes(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(b) >= 8 {
			size, head := uint64(binary.BigEndian.Uint32(b)), uint64(8)
			switch {
			case size == 0: // to the end
				size = uint64(len(b))
			case size == 1 && len(b) >= 16:
				size, head = binary.BigEndian.Uint64(b[8:]), 16
			}
			if size < head || size > uint64(len(b)) || !yield(string(b[4:8]), b[head:size]) {
				return
			}
			b = b[size:]
		}
	}
}

// inner is the content of the first box of a kind, or nil.
func inner(b []byte, kind string) []byte {
	for found, content := range boxes(b) {
		if found == kind {
			return content
		}
	}
	return nil
}

// number is the big-endian number at the start of b, of 2 bytes or 4. It is 0
// where b is too short.
func number(b []byte, wide bool) (value uint32, rest []byte) {
	switch {
	case wide && len(b) >= 4:
		return binary.BigEndian.Uint32(b), b[4:]
	case !wide && len(b) >= 2:
		return uint32(binary.BigEndian.Uint16(b)), b[2:]
	default:
		return 0, nil
	}
}

// primaryItem reads the PrimaryItemBox (ISO/IEC 14496-12 §8.11.4).
func primaryItem(meta []byte) uint32 {
	pitm := inner(meta, "pitm")
	if len(pitm) < 4 {
		return 0
	}
	item, _ := number(pitm[4:], pitm[0] > 0)
	return item
}

// firstTile finds the first image that an item is derived from (ISO/IEC 14496-12
// §8.11.12, reference type dimg).
func firstTile(meta []byte, item uint32) (tile uint32, ok bool) {
	iref := inner(meta, "iref")
	if len(iref) < 4 {
		return 0, false
	}
	wide := iref[0] > 0
	for kind, reference := range boxes(iref[4:]) {
		from, rest := number(reference, wide)
		if kind != "dimg" || from != item {
			continue
		}
		count, rest := number(rest, false)
		tile, _ = number(rest, wide)
		return tile, count > 0
	}
	return 0, false
}

// properties yields the properties of an item (ISO/IEC 23008-12 §9.3).
func properties(meta []byte, item uint32) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		iprp := inner(meta, "iprp")
		kinds, contents := []string{""}, [][]byte{nil} // they are counted from 1
		for kind, content := range boxes(inner(iprp, "ipco")) {
			kinds, contents = append(kinds, kind), append(contents, content)
		}
		for kind, ipma := range boxes(iprp) {
			if kind != "ipma" {
				continue
			}
			for _, index := range associations(ipma, item) {
				if index < len(kinds) && !yield(kinds[index], contents[index]) {
					return
				}
			}
		}
	}
}

// associations reads an ItemPropertyAssociationBox (ISO/IEC 23008-12 §9.3.1): the
// indexes of the item's properties.
func associations(ipma []byte, item uint32) []int {
	if len(ipma) < 8 {
		return nil
	}
	wideItem, wideIndex := ipma[0] > 0, ipma[3]&1 != 0
	for rest := ipma[8:]; len(rest) > 0; {
		var found uint32
		found, rest = number(rest, wideItem)
		if len(rest) == 0 {
			return nil
		}
		count := int(rest[0])
		rest = rest[1:]
		var indexes []int
		for range count {
			var index uint32
			if wideIndex {
				index, rest = number(rest, false)
				index &= 0x7fff // the highest bit says whether the property is essential
			} else if len(rest) > 0 {
				index, rest = uint32(rest[0]&0x7f), rest[1:]
			}
			indexes = append(indexes, int(index))
		}
		if found == item {
			return indexes
		}
	}
	return nil
}
