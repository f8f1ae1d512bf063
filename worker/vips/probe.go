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
	bytes      int   // of the file
	pixel      int   // bytes that a decoded pixel takes
	alpha      bool  // whether it has alpha
	interlaced bool  // whether the file has the image in several passes
	tile       int64 // pixels of each of the tiles that a HEIC is decoded in, or 0
}

// loaders names the one loader of libvips that may read each format, so that a
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
	case media.TIFF:
		return "VipsForeignLoadTiffBuffer"
	default:
		return "VipsForeignLoadHeifBuffer"
	}
}

// Probe looks at the header of an original and decodes nothing. The error is a
// *media.Rejection where the file can't be accepted: it is empty, of no accepted
// format, broken, or beyond the limits.
func Probe(original []byte, limits media.Limits) (Info, error) {
	start()
	if len(original) == 0 {
		return Info{}, media.Reject(media.Empty, "The file is empty.")
	}
	if err := limits.CheckBytes(int64(len(original))); err != nil {
		return Info{}, err
	}
	format, ok := media.Sniff(original[:min(len(original), media.SniffLength)])
	if !ok {
		return Info{}, media.Reject(media.UnsupportedType,
			"The file is not a JPEG, PNG, WebP, AVIF, GIF, TIFF or HEIC image.")
	}
	header, err := readHeader(original, loader(format))
	if err != nil {
		return Info{}, broken(original, format)
	}
	info := Info{
		Format:  format,
		Upright: media.Extent{Width: int(header.width), Height: int(header.height)},
		Frames:  1,

		bytes:      len(original),
		pixel:      int(header.pixel),
		alpha:      header.alpha != 0,
		interlaced: header.interlaced != 0,
	}
	if header.orientation >= 5 { // EXIF 2.32 §4.6.4: the rows and columns change places
		info.Upright = media.Extent{Width: info.Upright.Height, Height: info.Upright.Width}
	}
	if (format == media.HEIC || format == media.HEIF) && info.Upright.Width < narrowest {
		return info, media.Reject(media.UnsupportedType,
			"HEIC images of less than %d pixels in width can't be read; JPEG and PNG can be of any size.", narrowest)
	}
	if format == media.HEIC || format == media.HEIF {
		if t, ok := readTiling(original); ok {
			info.tile = t.tile.Pixels()
		}
	}
	if format == media.GIF || format == media.WebP {
		info.Frames = int(header.pages)
	}
	if pixels := info.Upright.Pixels(); pixels > limits.Pixels {
		return info, media.Reject(media.TooManyPixels, "The image is %d x %d, which is %.1f megapixels; at most %.1f are accepted.",
			info.Upright.Width, info.Upright.Height, float64(pixels)/1e6, float64(limits.Pixels)/1e6)
	}
	if info.Frames > limits.Frames {
		return info, media.Reject(media.TooManyFrames,
			"The animation has %d frames; at most %d are accepted.", info.Frames, limits.Frames)
	}
	if pixels := info.Upright.Pixels() * int64(info.Frames); pixels > limits.Pixels {
		return info, media.Reject(media.TooManyPixels,
			"The animation has %d frames of %d x %d, which is %.1f megapixels in all; at most %.1f are accepted.",
			info.Frames, info.Upright.Width, info.Upright.Height, float64(pixels)/1e6, float64(limits.Pixels)/1e6)
	}
	if format == media.GIF && truncatedGIF(original) {
		return info, broken(original, format)
	}
	return info, nil
}

func readHeader(original []byte, loader string) (C.PresizeHeader, error) {
	name := C.CString(loader)
	defer C.free(unsafe.Pointer(name))
	var header C.PresizeHeader
	err := call(func() C.int {
		return C.presize_header(unsafe.Pointer(&original[0]), C.size_t(len(original)), name, &header)
	})
	if err != nil || header.width < 1 || header.height < 1 {
		return header, errVips
	}
	return header, nil
}
