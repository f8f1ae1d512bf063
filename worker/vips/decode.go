package vips

// #include <stdlib.h>
// #include "decode.h"
import "C"

import (
	"errors"
	"regexp"
	"runtime"
	"strings"
	"unsafe"

	"github.com/presize/presize/internal/media"
)

// reading says how libvips is to read an original: what it is given, and what it does not
// find out by itself.
type reading struct {
	file    []byte // the original, or a copy of it that libvips takes for what it is
	skip    int    // frames before the first
	options string // of the loader
	profile []byte // that overrules the image's own; nil for none
	tones   *toneMap
	bands   int  // that hold the colors; 0 for what libvips says
	alpha   int  // which one behind them is alpha, counted from 1; 0 for none
	lab     bool // what is read as RGB of 8 bits is CIELAB
	bare    bool // the image's own profile counts for nothing
}

// newReading finds out how an original is to be read.
func newReading(file []byte, format media.Format) reading {
	r := reading{file: file, options: "fail_on=warning"} // what makes most decoders warn is damage that one can see
	switch format {
	case media.JPEG:
		r.options = "fail_on=none" // see decodeBy
	case media.GIF:
		if r.file, r.skip = onItsCanvas(clearedToTransparent(file)); r.skip > 0 {
			r.options += ",page=1"
		}
	case media.PNG:
		colors := readPNG(file)
		r.profile, r.tones = colors.profile(), colors.tones()
	case media.TIFF:
		r.options = "fail_on=error" // see decodeBy
		r.bands, r.alpha = readTIFF(file).bands()
		r.file, r.lab = labAsRGB(file)
	}
	return r
}

// decode decodes an original to exactly extent, with as many threads as there are
// processors. What its decoder says against the file is in the error.
func (o *Original) decode(extent media.Extent) (*image, error) {
	if o.heif != nil {
		return o.heif.decode(extent)
	}
	icc := o.icc
	if o.reading.profile != nil {
		icc = o.reading.profile
	}
	img, err := o.decodeBy(findConversion(icc), extent)
	if unusableProfile(err) {
		o.reading.bare = true
		return o.decodeBy(nil, extent)
	}
	return img, err
}

// profileFault is what libvips says where a profile can't be used for an image.
var profileFault = regexp.MustCompile(`VipsIcc: |icc_(import|transform): `)

// unusableProfile tells whether an image failed only because of its profile. Such a profile
// counts for nothing, so that the image is in sRGB, as browsers take it.
func unusableProfile(err error) bool {
	var said *decoderError
	return errors.As(err, &said) && profileFault.MatchString(said.messages)
}

// decodeBy is decode by libvips, with tables for the colors or without. JPEG and TIFF are
// decoded alone, because what tells of damage is what their decoders have said on the way.
func (o *Original) decodeBy(colors *conversion, extent media.Extent) (*image, error) {
	r := o.reading
	options := C.CString(r.options)
	defer C.free(unsafe.Pointer(options))
	var pinned runtime.Pinner
	defer pinned.Unpin()
	how := C.PresizeReading{
		options: options, colors: colors.c(), tones: r.tones.c(),
		bands: C.int(r.bands), alpha: C.int(r.alpha), lab: cBool(r.lab), bare: cBool(r.bare),
	}
	if colors != nil {
		pinned.Pin(colors)
	}
	if r.tones != nil {
		pinned.Pin(r.tones)
	}
	if r.profile != nil {
		pinned.Pin(&r.profile[0])
		how.icc = C.PresizeICC{unsafe.Pointer(&r.profile[0]), C.size_t(len(r.profile))}
	}
	var out *C.VipsImage
	attempt := func() C.int {
		return C.presize_decode(unsafe.Pointer(&r.file[0]), C.size_t(len(r.file)), &o.header, &how,
			C.int(extent.Width), C.int(extent.Height), C.int(runtime.GOMAXPROCS(0)), &out)
	}
	if o.Format != media.JPEG && o.Format != media.TIFF {
		err := decoding(attempt)
		return newImage(out), err
	}
	messages, err := exclusively(attempt)
	img := newImage(out)
	if err == nil && o.damaged(messages) {
		img.free()
		err = errVips
	}
	if err != nil {
		return nil, &decoderError{messages}
	}
	return img, nil
}

// tiffDamage is what libtiff warns of where pixels are missing. Its other warnings are
// about tags.
var tiffDamage = regexp.MustCompile(`Corrupt JPEG|[Pp]remature|[Bb]ad code word|Discarding|Line length mismatch|Not enough data|Buffer overflow`)

// damaged tells whether an image that was decoded has pixels that are not those of the
// file, by what the decoder has said.
func (o *Original) damaged(messages string) bool {
	if o.Format == media.TIFF {
		return strings.Contains(messages, "tiff2vips: ") || tiffDamage.MatchString(messages)
	}
	return strings.Contains(messages, "VipsJpeg: ") && checkJPEG(o.file) != whole
}
