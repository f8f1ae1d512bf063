package vips

import (
	"bytes"
	"encoding/binary"
)

// readParameters reads what the first sequence parameter set in an HEVC decoder
// configuration (ISO/IEC 14496-15 §8.3.3.1) says about colors.
func readParameters(configuration []byte) signal {
	const (
		header          = 23 // before the arrays of NAL units
		sequenceSetType = 33
	)
	said := signal{primaries: unspecified, matrix: unspecified}
	if len(configuration) < header {
		return said
	}
	rest := configuration[header:]
	for len(rest) >= 5 {
		kind := rest[0] & 0x3f
		units := binary.BigEndian.Uint16(rest[1:])
		rest = rest[3:]
		for range units {
			if len(rest) < 2 {
				return said
			}
			size := int(binary.BigEndian.Uint16(rest))
			if len(rest) < 2+size {
				return said
			}
			if kind == sequenceSetType && size > 2 {
				// An emulation prevention byte stands after two zeros: §7.3.1.1.
				payload := bytes.ReplaceAll(rest[4:2+size], []byte{0, 0, 3}, []byte{0, 0})
				(&bits{data: payload}).sequenceSet(&said)
				return said
			}
			rest = rest[2+size:]
		}
	}
	return said
}

// bits reads a NAL unit of HEVC. Section numbers here are those of ITU-T H.265.
// Beyond its end there are zeros, and counts are bounded by what the standard
// allows, so that nothing in a broken file takes long.
type bits struct {
	data []byte
	at   int
}

func (b *bits) u(n int) (value uint32) {
	for range n {
		value <<= 1
		if i := b.at / 8; i < len(b.data) {
			value |= uint32(b.data[i]>>(7-b.at%8)) & 1
		}
		b.at++
	}
	return value
}

func (b *bits) flag() bool { return b.u(1) == 1 }

// ue reads an unsigned Exp-Golomb code: §9.2.
func (b *bits) ue() uint32 {
	zeros := 0
	for zeros < 32 && !b.flag() {
		zeros++
	}
	return 1<<zeros - 1 + b.u(zeros)
}

// skip reads n Exp-Golomb codes; the length of a signed one is the same.
func (b *bits) skip(n int) {
	for range n {
		b.ue()
	}
}

// sequenceSet reads seq_parameter_set_rbsp of §7.3.2.2.1 up to the color
// description in its VUI parameters.
func (b *bits) sequenceSet(said *signal) {
	b.u(4)
	subLayers := int(b.u(3))
	b.u(1)
	b.profile(subLayers)
	b.ue()
	if b.ue() == 3 { // chroma_format_idc
		b.u(1)
	}
	b.skip(2) // width and height
	if b.flag() {
		b.skip(4) // conformance window
	}
	b.skip(2) // bit depths
	orderBits := int(b.ue()) + 4
	if b.flag() {
		b.skip(3 * subLayers)
	}
	b.skip(3)
	b.skip(6) // sizes of blocks
	if b.flag() && b.flag() {
		b.scalingLists()
	}
	b.u(2)
	if b.flag() { // PCM
		b.u(8)
		b.skip(2)
		b.u(1)
	}
	b.referenceSets()
	if b.flag() { // long-term references
		for range min(b.ue(), 32) {
			b.u(min(orderBits, 16) + 1)
		}
	}
	b.u(2)
	if b.flag() {
		b.usability(said)
	}
}

// profile skips profile_tier_level: §7.3.3.
func (b *bits) profile(subLayers int) {
	b.at += 88 + 8
	if subLayers == 0 {
		return
	}
	size := 0
	for range subLayers {
		if b.flag() {
			size += 88
		}
		if b.flag() {
			size += 8
		}
	}
	b.at += 2*(8-subLayers) + size
}

// scalingLists skips scaling_list_data: §7.3.4.
func (b *bits) scalingLists() {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !b.flag() {
				b.ue()
				continue
			}
			if size > 1 {
				b.ue()
			}
			b.skip(min(64, 1<<(4+2*size)))
		}
	}
}

// referenceSets skips the st_ref_pic_sets: §7.3.7.
func (b *bits) referenceSets() {
	const most = 64
	pictures := uint32(0) // of the set before
	for set := range min(b.ue(), most) {
		if set > 0 && b.flag() { // predicted from the set before
			b.u(1)
			b.ue()
			kept := uint32(0)
			for range pictures + 1 {
				if used := b.flag(); used || b.flag() {
					kept++
				}
			}
			pictures = kept
			continue
		}
		pictures = min(b.ue(), 16) + min(b.ue(), 16)
		for range pictures {
			b.ue()
			b.u(1)
		}
	}
}

// usability reads vui_parameters: §E.2.1.
func (b *bits) usability(said *signal) {
	const extendedRatio = 255
	if b.flag() && b.u(8) == extendedRatio {
		b.u(32)
	}
	if b.flag() {
		b.u(1)
	}
	if !b.flag() {
		return
	}
	b.u(3)
	said.full = b.flag()
	if b.flag() {
		said.primaries = uint8(b.u(8))
		b.u(8)
		said.matrix = uint8(b.u(8))
	}
}
