package vips

import (
	"bytes"
	"encoding/binary"
	"iter"

	"github.com/presize/presize/internal/media"
)

// Markers of a JPEG (ITU-T T.81 §B.1.1.3).
const (
	markerSOF0   = 0xc0 // frame: baseline
	markerSOF2   = 0xc2 // frame: progressive
	markerDHT    = 0xc4 // Huffman tables
	markerRST0   = 0xd0 // the first of eight restart markers
	markerEOI    = 0xd9 // end of the image
	markerSOS    = 0xda // start of a scan
	markerDRI    = 0xdd // restart interval
	dctBlock     = 8    // samples
	mostScans    = 100  // encoders write 10 or so; decoding takes time for each, however few bytes it has
	coefficients = dctBlock * dctBlock
)

// segments yields the marker segments of a JPEG from its start to its end marker, each
// with the position behind it. What stands between two segments is skipped, as
// decoders do: stray bytes, fill bytes, and the entropy-coded data of scans.
func segments(file []byte) iter.Seq2[jpegSegment, int] {
	return func(yield func(jpegSegment, int) bool) {
		for at := 2; ; {
			marker, next, ok := nextMarker(file, at)
			if !ok || marker == markerEOI || len(file) < next+2 {
				return
			}
			end := next + int(binary.BigEndian.Uint16(file[next:]))
			if end < next+2 || end > len(file) || !yield(jpegSegment{marker, file[next+2 : end]}, end) {
				return
			}
			at = end
		}
	}
}

type jpegSegment struct {
	marker byte
	data   []byte
}

// nextMarker finds the next marker that begins a segment or ends the image, at or behind
// a position, and the position behind it.
func nextMarker(file []byte, at int) (marker byte, next int, ok bool) {
	for {
		found := bytes.IndexByte(file[at:], 0xff)
		if found < 0 || at+found+1 >= len(file) {
			return 0, len(file), false
		}
		at += found + 1
		marker = file[at]
		switch {
		case marker == 0xff: // a fill byte, §B.1.1.2
		case marker == 0, marker >= markerRST0 && marker < markerRST0+8, marker == 1, marker == 0xd8: // no segment
			at++
		default:
			return marker, at + 1, true
		}
	}
}

// jpegFrame is what the frame header of a JPEG says (§B.2.2).
type jpegFrame struct {
	marker     byte
	extent     media.Extent
	components []jpegComponent
	most       media.Extent // the largest sampling factors
}

type jpegComponent struct {
	id       byte
	sampling media.Extent
	precise  [coefficients]int8 // how many low bits of each coefficient no scan has brought; -1 for all of them
}

func readFrame(s jpegSegment) (f jpegFrame, ok bool) {
	const fixed, each = 6, 3
	if len(s.data) < fixed || len(s.data) < fixed+each*int(s.data[5]) {
		return f, false
	}
	f.marker = s.marker
	f.extent = media.Extent{Width: int(binary.BigEndian.Uint16(s.data[3:])), Height: int(binary.BigEndian.Uint16(s.data[1:]))}
	for c := range int(s.data[5]) {
		b := s.data[fixed+each*c:]
		component := jpegComponent{id: b[0], sampling: media.Extent{Width: int(b[1] >> 4), Height: int(b[1] & 15)}}
		if component.sampling.Width < 1 || component.sampling.Height < 1 {
			return f, false
		}
		for i := range component.precise {
			component.precise[i] = -1
		}
		f.most.Width = max(f.most.Width, component.sampling.Width)
		f.most.Height = max(f.most.Height, component.sampling.Height)
		f.components = append(f.components, component)
	}
	return f, len(f.components) > 0
}

// progressive tells whether scans bring the coefficients bit by bit.
func (f *jpegFrame) progressive() bool { return f.marker == markerSOF2 }

// blocks is how many blocks a component has: those of its own samples, as a scan of it
// alone has them (§A.2.2).
func (f *jpegFrame) blocks(c *jpegComponent) media.Extent {
	return media.Extent{
		Width:  ceil(f.extent.Width*c.sampling.Width, f.most.Width*dctBlock),
		Height: ceil(f.extent.Height*c.sampling.Height, f.most.Height*dctBlock),
	}
}

// units is how many units of all components (MCU) the image has.
func (f *jpegFrame) units() media.Extent {
	return media.Extent{Width: ceil(f.extent.Width, f.most.Width*dctBlock), Height: ceil(f.extent.Height, f.most.Height*dctBlock)}
}

func ceil(a, b int) int { return (a + b - 1) / b }

// isFrame tells whether a marker begins a frame header, of any process.
func isFrame(marker byte) bool {
	return marker >= markerSOF0 && marker < markerSOF0+16 && marker != markerDHT && marker != 0xc8 && marker != 0xcc
}

// jpegScan is what a scan header says (§B.2.3).
type jpegScan struct {
	components  []*jpegComponent
	tables      []byte // of each component: of DC in the upper half, of AC in the lower one
	first, last int    // coefficients
	high, low   uint   // the bit that earlier scans have brought, and that this one does
}

func (f *jpegFrame) readScan(data []byte) (s jpegScan, ok bool) {
	if len(data) < 1 || len(data) < 4+2*int(data[0]) || data[0] == 0 {
		return s, false
	}
	n := int(data[0])
	for i := range n {
		found := false
		for c := range f.components {
			if f.components[c].id == data[1+2*i] && !found {
				found = true
				s.components = append(s.components, &f.components[c])
			}
		}
		if !found {
			return s, false
		}
		s.tables = append(s.tables, data[2+2*i])
	}
	s.last = coefficients - 1
	if f.progressive() { // the others' have no meaning, and some cameras write nonsense there
		rest := data[1+2*n:]
		s.first, s.last, s.high, s.low = int(rest[0]), int(rest[1]), uint(rest[2]>>4), uint(rest[2]&15)
	}
	valid := s.first <= s.last && s.last < coefficients && (s.first > 0 || !f.progressive() || s.last == 0) && (s.first == 0 || n == 1)
	return s, valid
}

// note remembers what a scan brings.
func (s jpegScan) note() {
	for _, c := range s.components {
		for k := s.first; k <= s.last; k++ {
			c.precise[k] = int8(s.low)
		}
	}
}

// jpegSummary is what the scans of a JPEG bring in all.
type jpegSummary struct {
	scans   int
	missing bool // there is a component that no scan has anything of, or no scan at all
}

// summarize goes through the segments of a JPEG without decoding them.
func summarize(file []byte) (summary jpegSummary) {
	var frame jpegFrame
	for segment := range segments(file) {
		switch {
		case isFrame(segment.marker):
			frame, _ = readFrame(segment)
		case segment.marker == markerSOS:
			summary.scans++
			if scan, ok := frame.readScan(segment.data); ok {
				scan.note()
				if !frame.progressive() && len(scan.components) == len(frame.components) {
					return summary // everything is in one scan
				}
			}
		}
	}
	for _, c := range frame.components {
		summary.missing = summary.missing || c.precise[0] < 0
	}
	return summary
}
