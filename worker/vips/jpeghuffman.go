package vips

// huffman is a table of codes (§F.2.2.3): for each length the last code of it, and
// where its values begin.
type huffman struct {
	last   [17]int32
	offset [17]int32
	values []byte
	quick  [256]uint16 // by the next 8 bits: value and length of a code that is no longer, or 0
}

func (c *jpegChecker) readTables(data []byte) bool {
	for len(data) > 0 {
		if len(data) < 17 || data[0]>>4 > 1 || data[0]&15 > 3 {
			return false
		}
		t := new(huffman)
		code, n := int32(0), int32(0)
		for length := 1; length <= 16; length++ {
			t.offset[length] = n - code
			count := int32(data[length])
			code, n = code+count, n+count
			t.last[length] = code - 1
			code <<= 1
		}
		if n > 256 || len(data) < 17+int(n) {
			return false
		}
		t.values = data[17 : 17+n]
		t.hasten(data[1:17])
		c.tables[data[0]>>4][data[0]&15] = t
		data = data[17+n:]
	}
	return true
}

// hasten fills the table of short codes.
func (t *huffman) hasten(counts []byte) {
	code, n := 0, 0
	for length := 1; length <= 8; length++ {
		for range counts[length-1] {
			for i := code << (8 - length); i < (code+1)<<(8-length) && i < 256; i++ {
				t.quick[i] = uint16(t.values[n])<<8 | uint16(length)
			}
			code, n = code+1, n+1
		}
		code <<= 1
	}
}

// fill reads bits up to the next marker.
func (c *jpegChecker) fill() {
	for c.count <= 48 && c.at < len(c.file) {
		b := c.file[c.at]
		next := c.at + 1
		if b == 0xff {
			for next < len(c.file) && c.file[next] == 0xff {
				next++
			}
			if next == len(c.file) || c.file[next] != 0 {
				return
			}
			next++
		}
		c.acc = c.acc<<8 | uint64(b)
		c.count += 8
		c.at = next
	}
}

// read takes bits, of which there may be too few: c.failed then says why.
func (c *jpegChecker) read(n int) uint32 {
	if c.count < n {
		if c.fill(); c.count < n {
			c.fail(c.ended())
			return 0
		}
	}
	c.count -= n
	return uint32(c.acc>>c.count) & (1<<n - 1)
}

// decode reads a code.
func (c *jpegChecker) decode(t *huffman) byte {
	if t == nil {
		c.fail(defective)
		return 0
	}
	if c.count < 16 {
		c.fill()
	}
	if c.count >= 8 {
		if q := t.quick[uint8(c.acc>>(c.count-8))]; q != 0 {
			c.count -= int(q & 255)
			return byte(q >> 8)
		}
	}
	code := int32(0)
	for length := 1; length <= 16 && c.failed == whole; length++ {
		code = code<<1 | int32(c.read(1))
		if code <= t.last[length] && code+t.offset[length] >= 0 && int(code+t.offset[length]) < len(t.values) {
			return t.values[code+t.offset[length]]
		}
	}
	c.fail(defective)
	return 0
}
