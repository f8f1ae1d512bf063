package vips

import (
	"encoding/binary"

	"github.com/presize/presize/internal/media"
)

// completeness says whether a JPEG has all of its pixels.
type completeness int

const (
	whole     completeness = iota
	cutOff                 // the file ends before them
	defective              // some can't be decoded
)

// mostPixelsChecked is the size up to which an image is looked into, because for each block of a progressive one
// memory is taken. A header may promise eight times as many pixels in a file of a few bytes.
const mostPixelsChecked = 1 << 29

// checkJPEG decodes the entropy coding of a JPEG (ITU-T T.81 annexes F and G), and
// nothing behind that, to see whether it has all of its pixels. libvips passes on only
// the first of the decoder's warnings, which may be a harmless one.
func checkJPEG(file []byte) completeness {
	c := jpegChecker{file: file}
	for segment, next := range segments(file) {
		c.at = next
		switch {
		case isFrame(segment.marker):
			var ok bool
			if c.frame, ok = readFrame(segment); !ok || c.frame.marker > markerSOF2 || c.frame.extent.Pixels() > mostPixelsChecked {
				return defective
			}
			c.blocks = make(map[*jpegComponent][]uint64)
		case segment.marker == markerDHT:
			if !c.readTables(segment.data) {
				return defective
			}
		case segment.marker == markerDRI && len(segment.data) >= 2:
			c.interval = int(binary.BigEndian.Uint16(segment.data))
		case segment.marker == markerSOS:
			scan, ok := c.frame.readScan(segment.data)
			if !ok {
				return defective
			}
			if found := c.scan(scan); found != whole {
				return found
			}
			scan.note()
		}
	}
	return c.verdict()
}

// verdict judges what all scans together have brought.
func (c *jpegChecker) verdict() completeness {
	missing := defective
	if marker, _, _ := nextMarker(c.file, c.at); marker != markerEOI {
		missing = cutOff // there would have been more
	}
	if len(c.frame.components) == 0 {
		return missing
	}
	for i := range c.frame.components {
		for k, low := range c.frame.components[i].precise {
			// An encoder may leave out details of a progressive image.
			if low < 0 && (k == 0 || !c.frame.progressive()) || low != 0 && missing == cutOff {
				return missing
			}
		}
	}
	return whole
}

// jpegChecker is the state of checkJPEG.
type jpegChecker struct {
	file     []byte
	at       int
	frame    jpegFrame
	tables   [2][4]*huffman // of DC and AC
	interval int            // units between restart markers, 0 for no such markers

	acc      uint64 // bits that are read and not used
	count    int    // how many
	failed   completeness
	endOfRun int                         // blocks of a progressive scan that are still to be left out
	blocks   map[*jpegComponent][]uint64 // of a progressive image: which coefficients of each block are not 0
}

// ended says what it means that there are no more bits.
func (c *jpegChecker) ended() completeness {
	if c.at >= len(c.file)-1 {
		return cutOff
	}
	return defective
}

func (c *jpegChecker) fail(why completeness) {
	if c.failed == whole {
		c.failed = why
	}
}

// scan decodes one scan.
func (c *jpegChecker) scan(s jpegScan) completeness {
	c.acc, c.count, c.failed, c.endOfRun = 0, 0, whole, 0
	units := c.frame.units()
	if len(s.components) == 1 {
		units = c.frame.blocks(s.components[0])
	}
	restart := 0
	for unit := range units.Width * units.Height {
		if c.interval > 0 && unit > 0 && unit%c.interval == 0 {
			if !c.restart(restart) {
				return c.ended()
			}
			restart = (restart + 1) % 8
		}
		c.unit(s, unit%units.Width, unit/units.Width)
		if c.failed != whole {
			return c.failed
		}
	}
	return whole
}

// restart looks for a restart marker.
func (c *jpegChecker) restart(number int) bool {
	c.acc, c.count, c.endOfRun = 0, 0, 0
	for ; c.at+1 < len(c.file); c.at++ {
		if marker := c.file[c.at+1]; c.file[c.at] == 0xff && marker != 0 && marker != 0xff {
			if marker != markerRST0+byte(number) {
				return false
			}
			c.at += 2
			return true
		}
	}
	return false
}

// unit decodes the blocks of all components of a scan that belong together.
func (c *jpegChecker) unit(s jpegScan, x, y int) {
	for i, component := range s.components {
		size := component.sampling
		if len(s.components) == 1 {
			size = media.Extent{Width: 1, Height: 1}
		}
		for n := range size.Width * size.Height {
			block := c.block(component, x*size.Width+n%size.Width, y*size.Height+n/size.Width)
			dc, ac := c.tables[0][s.tables[i]>>4&3], c.tables[1][s.tables[i]&3]
			switch {
			case !c.frame.progressive():
				c.read(int(c.decode(dc) & 15))
				c.sequential(ac)
			case s.first == 0 && s.high == 0:
				c.read(int(c.decode(dc) & 15))
			case s.first == 0:
				c.read(1)
			case s.high == 0:
				c.first(s, ac, block)
			default:
				c.refine(s, ac, block)
			}
		}
	}
}

// block is the place for what is known of a block, or nil where nothing needs to be.
func (c *jpegChecker) block(component *jpegComponent, x, y int) *uint64 {
	if !c.frame.progressive() {
		return nil
	}
	units := c.frame.units()
	width := units.Width * component.sampling.Width
	if c.blocks[component] == nil {
		c.blocks[component] = make([]uint64, width*units.Height*component.sampling.Height)
	}
	return &c.blocks[component][y*width+x]
}

// sequential decodes the AC coefficients of a block (§F.2.2.2).
func (c *jpegChecker) sequential(t *huffman) {
	for k := 1; k < coefficients && c.failed == whole; k++ {
		code := c.decode(t)
		run, size := int(code>>4), int(code&15)
		if size == 0 && run < 15 {
			return
		}
		k += run
		c.read(size)
		if k >= coefficients {
			c.fail(defective)
		}
	}
}

// first decodes AC coefficients that no scan has brought anything of (§G.1.2.2).
func (c *jpegChecker) first(s jpegScan, t *huffman, block *uint64) {
	if c.endOfRun > 0 {
		c.endOfRun--
		return
	}
	for k := s.first; k <= s.last && c.failed == whole; k++ {
		code := c.decode(t)
		run, size := int(code>>4), int(code&15)
		if size == 0 && run < 15 {
			c.endOfRun = 1<<run + int(c.read(run)) - 1
			return
		}
		k += run
		if c.read(size); k > s.last {
			c.fail(defective)
		} else if size > 0 {
			*block |= 1 << k
		}
	}
}

// refine decodes one more bit of AC coefficients (§G.1.2.3).
func (c *jpegChecker) refine(s jpegScan, t *huffman, block *uint64) {
	k := s.first
	for ; c.endOfRun == 0 && k <= s.last && c.failed == whole; k++ {
		code := c.decode(t)
		run, size := int(code>>4), int(code&15)
		if size == 0 && run < 15 {
			c.endOfRun = 1<<run + int(c.read(run))
			break
		}
		c.read(size) // its sign
		for ; k <= s.last; k++ {
			if *block>>k&1 != 0 {
				c.read(1)
			} else if run--; run < 0 {
				break
			}
		}
		if k > s.last {
			if size > 0 {
				c.fail(defective)
			}
		} else if size > 0 {
			*block |= 1 << k
		}
	}
	if c.endOfRun > 0 {
		band := *block >> k & (1<<(s.last-k+1) - 1)
		for ; band != 0; band &= band - 1 { // for each bit that is set
			c.read(1)
		}
		c.endOfRun--
	}
}
