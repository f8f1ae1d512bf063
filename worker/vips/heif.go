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
	if tiles := sources(meta, items[0]); len(tiles) > 0 {
		items = append(items, tiles[0])
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

// sources lists the images that an item is derived from (ISO/IEC 14496-12 §8.11.12,
// reference type dimg).
func sources(meta []byte, item uint32) (items []uint32) {
	iref := inner(meta, "iref")
	if len(iref) < 4 {
		return nil
	}
	wide := iref[0] > 0
	for kind, reference := range boxes(iref[4:]) {
		from, rest := number(reference, wide)
		if kind != "dimg" || from != item {
			continue
		}
		count, rest := number(rest, false)
		for range count {
			if len(rest) == 0 {
				return nil
			}
			var source uint32
			source, rest = number(rest, wide)
			items = append(items, source)
		}
		return items
	}
	return nil
}

// itemType is what an item is, by its ItemInfoEntry (ISO/IEC 14496-12 §8.11.6).
func itemType(meta []byte, item uint32) string {
	iinf := inner(meta, "iinf")
	if len(iinf) < 4 {
		return ""
	}
	_, entries := number(iinf[4:], iinf[0] > 0)
	for kind, entry := range boxes(entries) {
		if kind != "infe" || len(entry) < 4 || entry[0] < 2 {
			continue
		}
		id, rest := number(entry[4:], entry[0] > 2)
		if id == item && len(rest) >= 6 {
			return string(rest[2:6])
		}
	}
	return ""
}

// itemPlaces finds the data of all items that have theirs in one place, in the file or
// in the meta box itself: ItemLocationBox (ISO/IEC 14496-12 §8.11.3).
func itemPlaces(file, meta []byte) map[uint32][]byte {
	iloc := inner(meta, "iloc")
	if len(iloc) < 6 {
		return nil
	}
	version := iloc[0]
	sizes := [4]int{int(iloc[4] >> 4), int(iloc[4] & 15), int(iloc[5] >> 4), 0} // of offset, length, base offset and index
	if version > 0 {
		sizes[3] = int(iloc[5] & 15)
	}
	reader := fields{rest: iloc[6:]}
	wide := 2
	if version > 1 {
		wide = 4
	}
	idat := inner(meta, "idat")
	places := make(map[uint32][]byte)
	for range reader.next(wide) {
		item := uint32(reader.next(wide))
		from := file
		if version > 0 && reader.next(2)&15 == 1 {
			from = idat
		}
		reader.next(2) // 0: the data is in this file
		base := reader.next(sizes[2])
		extents := reader.next(2)
		if reader.short { // before there are more items than anybody could wait for
			return places
		}
		for range extents {
			reader.next(sizes[3])
			start := base + reader.next(sizes[0])
			end := start + reader.next(sizes[1])
			if reader.short {
				return places
			}
			if extents == 1 && start <= end && end <= uint64(len(from)) {
				places[item] = from[start:end]
			}
		}
	}
	return places
}

// fields reads big-endian numbers one after the other.
type fields struct {
	rest  []byte
	short bool // whether more was to be read than there was
}

// next is the number in the next bytes, of which there may be none.
func (f *fields) next(size int) (value uint64) {
	if size > len(f.rest) {
		f.rest, f.short = nil, true
		return 0
	}
	for _, b := range f.rest[:size] {
		value = value<<8 | uint64(b)
	}
	f.rest = f.rest[size:]
	return value
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
