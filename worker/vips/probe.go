package vips

// #include <stdlib.h>
// #include "decode.h"
import "C"

import (
	"unsafe"

	"github.com/presize/presize/internal/media"
)

// Info is what the header of an original says.
type Info struct {
	Format  media.Format
	Upright media.Extent // as the image is to be seen, orientation applied
	Frames  int          // 1 for a still image

	// What the need of memory depends on, see Memory.
	bytes      int  // of the file
	pixel      int  // bytes that a decoded pixel takes
	alpha      bool // whether it has alpha
	interlaced bool // whether the file has the image in several passes
}

// Original is a file that [Probe] has looked at, and what it found. One render of it
// may run at a time.
type Original struct {
	Info

	file   []byte
	header C.PresizeHeader // of all formats but HEIC and AVIF
	icc    []byte          // its colour profile, or nil for none that is of use
	heif   *heif           // of HEIC and AVIF, or nil

	reading reading // of all formats but HEIC and AVIF
}

// loader names the one loader of libvips that may read a format, so that a
// file can't talk libvips into another one than its magic bytes promise.
func loader(format media.Format) string {
	switch format {
	case media.JPEG:
		return "VipsForeignLoadJpegBuffer"
	case media.PNG:
		return "VipsForeignLoadPngBuffer"
	case media.WebP:
		return "VipsForeignLoadWebpBuffer"
	case media.GIF:
		return "VipsForeignLoadNsgifBuffer"
	default:
		return "VipsForeignLoadTiffBuffer"
	}
}

// Probe looks at the header of an original and decodes nothing. The error is a
// *media.Rejection where the file can't be accepted: it is empty, of no accepted
// format, broken, or beyond the limits. The original is never nil: what is known of a
// rejected one is in its Info.
func Probe(file []byte, limits media.Limits) (*Original, error) {
	start()
	o := &Original{file: file}
	if len(file) == 0 {
		return o, media.Reject(media.Empty, "The file is empty.")
	}
	if err := limits.CheckBytes(int64(len(file))); err != nil {
		return o, err
	}
	format, ok := media.Sniff(file[:min(len(file), media.SniffLength)])
	if !ok {
		return o, media.Reject(media.UnsupportedType,
			"The file is not a JPEG, PNG, WebP, AVIF, GIF, TIFF or HEIC image.")
	}
	o.Format = format
	if err := o.open(format); err != nil {
		return o, err
	}
	if err := o.check(limits); err != nil {
		return o, err
	}
	if format == media.GIF && truncatedGIF(file) {
		return o, o.verdict(&decoderError{"gifload: a block is not whole"})
	}
	return o, nil
}

// open reads the header.
func (o *Original) open(format media.Format) error {
	if format == media.AVIF || format == media.HEIC || format == media.HEIF {
		var err error
		if o.heif, err = openHEIF(o.file); err != nil {
			return o.verdict(err)
		}
		o.Info = o.heif.info(format, len(o.file))
		return nil
	}
	if err := o.checkFormat(); err != nil {
		return err
	}
	o.reading = newReading(o.file, format)
	if err := o.readHeader(loader(format)); err != nil {
		return o.verdict(err)
	}
	o.Info = Info{
		Format:  format,
		Upright: media.Extent{Width: int(o.header.width), Height: int(o.header.height)},
		Frames:  1,

		bytes:      len(o.file),
		pixel:      int(o.header.pixel),
		alpha:      o.header.alpha != 0,
		interlaced: o.header.interlaced != 0,
	}
	if o.header.orientation >= 5 { // EXIF 2.32 §4.6.4: the rows and columns change places
		o.Upright = media.Extent{Width: o.Upright.Height, Height: o.Upright.Width}
	}
	if format == media.GIF || format == media.WebP {
		o.Frames = int(o.header.pages) - o.reading.skip
	}
	return nil
}

// check rejects what is beyond the limits.
func (o *Original) check(limits media.Limits) error {
	pixels := o.Upright.Pixels()
	if pixels > limits.Pixels {
		return media.Reject(media.TooManyPixels, "The image is %d x %d, which is %.1f megapixels; at most %.1f are accepted.",
			o.Upright.Width, o.Upright.Height, float64(pixels)/1e6, float64(limits.Pixels)/1e6)
	}
	if o.Frames < 1 {
		return media.Reject(media.Corrupt, "The file is damaged: no frame of the animation is complete.")
	}
	if o.Frames > limits.Frames {
		return media.Reject(media.TooManyFrames,
			"The animation has %d frames; at most %d are accepted.", o.Frames, limits.Frames)
	}
	if all := pixels * int64(o.Frames); all > limits.Pixels {
		return media.Reject(media.TooManyPixels,
			"The animation has %d frames of %d x %d, which is %.1f megapixels in all; at most %.1f are accepted.",
			o.Frames, o.Upright.Width, o.Upright.Height, float64(all)/1e6, float64(limits.Pixels)/1e6)
	}
	return nil
}

// checkFormat rejects what can be told from the structure of a file, and the decoder
// would not tell.
func (o *Original) checkFormat() error {
	switch o.Format {
	case media.JPEG:
		summary := summarize(o.file)
		if summary.scans > mostScans {
			return media.Reject(media.TooManyPixels, "The JPEG has its pixels in %d scans, each of which takes time to decode; at most %d are accepted.",
				summary.scans, mostScans)
		}
		if summary.missing {
			return o.verdict(&decoderError{"VipsJpeg: there is a component without any scan"})
		}
	case media.PNG:
		for kind := range pngChunks(o.file) {
			if kind == "CgBI" {
				return media.Reject(media.UnsupportedType, "The PNG is in Apple's own variant for iOS apps, which only Apple's programs can read.")
			}
			break
		}
	case media.TIFF:
		return readTIFF(o.file).check()
	}
	return nil
}

func (o *Original) readHeader(loader string) error {
	name := C.CString(loader)
	defer C.free(unsafe.Pointer(name))
	var icc C.PresizeICC
	file := o.reading.file
	err := decoding(func() C.int {
		return C.presize_header(unsafe.Pointer(&file[0]), C.size_t(len(file)), name, &o.header, &icc)
	})
	defer func() { C.g_free(C.gpointer(icc.data)) }()
	if err != nil {
		return err
	}
	if icc.data != nil {
		profile := C.GoBytes(icc.data, C.int(icc.len))
		if o.reading.bare = !usable(profile, o.header.inks != 0); !o.reading.bare {
			o.icc = profile
		}
	}
	return nil
}
