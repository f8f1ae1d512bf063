// Package vips turns one original into the variants of a preset. It is the only
// part of presize with C in it.
//
// bimg encodes AVIF and JPEG and brings libvips into the process. What bimg 1.1.9
// would get wrong, or has no way to say, is done by a small bridge to the same
// libvips: decoding with shrink-on-load that keeps the colour profile, orientation,
// conversion to sRGB and failing on files that are cut off (decode.h), resizing with
// premultiplied alpha, cropping, and WebP with a chosen effort (bridge.h). The colours
// of most photos are converted by tables, many times faster than by libvips: profile.go.
//
// HEIC and AVIF are read by a libheif of their own, as the samples that are coded (heif.h), and converted from
// any space, range and depth (signal.go, planes.h); HDR is tone-mapped (hdr.go).
//
// An original is decoded once, to the largest size that the preset needs. The
// smaller sizes are made from that, each from the next larger, and encoded by as
// many goroutines as there are processors: see [Render].
//
// Animations, which bimg can only write as stills, go from the original to WebP
// once more for each size, frame by frame: see animation.h.
package vips

// #cgo pkg-config: vips heif
// #include <stdlib.h>
// #include "bridge.h"
// #include "decode.h"
// #include "warnings.h"
import "C"

import (
	"errors"
	"strings"
	"sync"
	"unsafe"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
)

// start sets libvips up. Its cache of operations is off: no two renders ever share
// one, and it would keep whole images alive. Its loader for Ultra HDR would come before the one for
// JPEG, which such photos are too: with a gain map behind the image that we show.
var start = sync.OnceFunc(func() {
	C.presize_keep_memory()
	bimg.VipsCacheSetMax(0)
	bimg.VipsCacheSetMaxMem(0)
	C.vips_concurrency_set(media.EncoderThreads)
	C.presize_collect_warnings()
	ultraHDR := C.CString("VipsForeignLoadUhdr")
	defer C.free(unsafe.Pointer(ultraHDR))
	C.vips_operation_block_set(ultraHDR, 1)
	if C.presize_heif_start() != 0 {
		panic("vips: libheif can't be started")
	}
})

// Start sets libvips up ahead of the first call of [Probe], which does so otherwise.
func Start() { start() }

// errVips stands for every error of libvips. It has no message, because libvips
// collects the messages of all threads in one buffer: see [exclusively].
var errVips = errors.New("libvips can't process the image")

// buffer guards libvips' buffer of error messages. Every call of libvips holds it
// for reading, so the holder of the write lock sees the messages of one call only.
var buffer sync.RWMutex

// call runs a call of libvips, beside any others.
func call(f func() C.int) error {
	buffer.RLock()
	defer buffer.RUnlock()
	defer C.vips_thread_shutdown() // goroutines change threads, so nothing else would free a thread's caches
	if f() != 0 {
		return errVips
	}
	return nil
}

// exclusively runs a call of libvips while no other one runs, and returns what
// libvips has to say about it: its errors, then its warnings, a line each.
func exclusively(f func() C.int) (messages string, err error) {
	buffer.Lock()
	defer buffer.Unlock()
	defer C.vips_thread_shutdown()
	C.vips_error_clear()
	C.g_free(C.gpointer(C.presize_take_warnings()))
	if f() != 0 {
		err = errVips
	}
	warnings := C.presize_take_warnings()
	defer C.g_free(C.gpointer(warnings))
	messages = C.GoString(C.vips_error_buffer()) + C.GoString(warnings)
	C.vips_error_clear()
	return strings.TrimSpace(messages), err
}

func cBool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// image is a decoded image in memory: upright, sRGB, 8 bits a band, 3 bands or
// with alpha 4. It is immutable and safe for concurrent use. The caller of a
// function that returns one frees it: Go's collector does not see how large it is.
type image struct {
	vips  *C.VipsImage
	bands int
	media.Extent
}

// newImage takes over the reference to a decoded image. It returns nil for none.
func newImage(vips *C.VipsImage) *image {
	if vips == nil {
		return nil
	}
	i := &image{
		vips:   vips,
		bands:  int(C.vips_image_get_bands(vips)),
		Extent: media.Extent{Width: int(C.vips_image_get_width(vips)), Height: int(C.vips_image_get_height(vips))},
	}
	copy(i.tiff(), i.tiffHeader())
	return i
}

func (i *image) free() { C.g_object_unref(C.gpointer(i.vips)) }

// same returns the image once more, to be freed once more.
func (i *image) same() *image {
	C.g_object_ref(C.gpointer(i.vips))
	return i
}

// resize returns the image scaled to exactly extent.
func (i *image) resize(extent media.Extent) (*image, error) {
	if extent == i.Extent {
		return i.same(), nil
	}
	var out *C.VipsImage
	err := call(func() C.int {
		return C.presize_resize(i.vips, C.int(extent.Width), C.int(extent.Height), 1, &out)
	})
	return newImage(out), err
}

// crop returns the area of the given extent that crop chooses.
func (i *image) crop(extent media.Extent, crop media.Crop) (*image, error) {
	if extent == i.Extent {
		return i.same(), nil
	}
	var out *C.VipsImage
	err := call(func() C.int {
		return C.presize_crop(i.vips, C.int(extent.Width), C.int(extent.Height), cBool(crop == media.Attention), &out)
	})
	return newImage(out), err
}

// flatten returns the image without alpha, on an opaque background.
func (i *image) flatten(background bimg.Color) (*image, error) {
	if i.bands == 3 {
		return i.same(), nil
	}
	var out *C.VipsImage
	err := call(func() C.int {
		return C.presize_flatten(i.vips, C.double(background.R), C.double(background.G), C.double(background.B), &out)
	})
	return newImage(out), err
}

// pixels returns the bytes of the image, row by row. They must not be changed,
// and are valid until the image is freed.
func (i *image) pixels() []byte { return i.tiff()[C.PRESIZE_HEADROOM:] }

// tiff returns the pixels as the uncompressed TIFF that they are together with the
// header before them, on the same terms.
func (i *image) tiff() []byte {
	first := unsafe.Add(C.vips_image_get_data(i.vips), -C.PRESIZE_HEADROOM)
	return unsafe.Slice((*byte)(first), C.PRESIZE_HEADROOM+i.Width*i.Height*i.bands)
}
