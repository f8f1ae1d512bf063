package vips

import (
	"encoding/binary"
	"iter"
	"math"
)

// pngChunks yields the chunks of a PNG (PNG third edition §5.3) up to its pixels.
func pngChunks(file []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		const signature, around = 8, 12
		for at := signature; at+around <= len(file); {
			size := int(binary.BigEndian.Uint32(file[at:]))
			if size > len(file)-at-around {
				return
			}
			kind := string(file[at+4 : at+8])
			if kind == "IDAT" || !yield(kind, file[at+8:at+8+size]) {
				return
			}
			at += around + size
		}
	}
}

// pngColors is what a PNG says of its colors in another way than by an ICC profile.
type pngColors struct {
	grey     bool
	coded    *signal         // cICP
	settled  bool            // by iCCP or sRGB
	exponent float64         // gAMA as an exponent; 0 for none
	colors   *chromaticities // cHRM
}

func readPNG(file []byte) (c pngColors) {
	for kind, data := range pngChunks(file) {
		switch {
		case kind == "IHDR" && len(data) >= 10:
			c.grey = data[9] == 0 || data[9] == 4 // color types
		case kind == "cICP" && len(data) == 4 && data[2] == matrixIdentity:
			c.coded = &signal{int(data[0]), int(data[1]), matrixRGB, true}
		case kind == "iCCP" || kind == "sRGB":
			c.settled = true
		case kind == "gAMA" && len(data) == 4:
			if stored := binary.BigEndian.Uint32(data); stored > 0 {
				c.exponent = 100_000 / float64(stored)
			}
		case kind == "cHRM" && len(data) == 32:
			c.colors = readChromaticities(data)
		}
	}
	return c
}

// readChromaticities returns nil where these span no color space.
func readChromaticities(data []byte) *chromaticities {
	var c chromaticities
	for i := range 8 {
		place := (i/2 + 3) % 4 // white is stored first
		c[place][i%2] = float64(binary.BigEndian.Uint32(data[4*i:])) / 100_000
	}
	for _, color := range c.space() {
		for _, v := range color {
			if !(math.Abs(v) < 8) { // or no number
				return nil
			}
		}
	}
	return &c
}

// profile returns an ICC profile for the colors, or nil where the file's own counts or there is
// none: of cICP, which goes before everything, or of gAMA and cHRM together, which come last
// (PNG third edition §4.3).
func (c pngColors) profile() []byte {
	switch {
	case c.coded != nil:
		if profile, ok := c.coded.profile(); ok {
			return profile.icc(c.grey)
		}
		if c.settled && !c.coded.hdr() { // what it overrules may be another space than sRGB
			return newProfile(chromaticitiesOf[primariesBT709], sRGBLight).icc(c.grey)
		}
	case !c.settled && c.colors != nil && c.exponent > 0:
		return newProfile(*c.colors, powerLight(c.exponent)).icc(c.grey)
	}
	return nil
}

// tones returns the tables for an HDR image, or nil for others.
func (c pngColors) tones() *toneMap {
	if c.coded == nil || c.grey {
		return nil
	}
	return newToneMap(*c.coded)
}
