package vips

// #include "bridge.h"
import "C"

import (
	"bytes"
	"fmt"
	stdimage "image"
	"image/draw"
	"runtime"
	"unsafe"

	"github.com/gen2brain/heic"

	"github.com/presize/presize/internal/media"
)

// decodeHEIC is decode for HEVC, which the prebuilt libvips can't read. libheif
// does it in a WebAssembly sandbox: slower, and unable to harm the process.
func decodeHEIC(original []byte, extent media.Extent) (_ *image, err error) {
	defer func() {
		if trap := recover(); trap != nil { // the sandbox's way to report what no check of libheif caught
			err = fmt.Errorf("decode HEIC: %v", trap)
		}
	}()
	file := bytes.Clone(original)
	copy(file[8:12], "heic") // the decoder wants the codec's own brand where others put a generic one
	decoded, err := heic.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("decode HEIC: %w", err)
	}
	var pixels []byte
	opaque := C.int(1)
	bounds := decoded.Bounds()
	if alpha, ok := decoded.(*stdimage.NRGBA); ok && !alpha.Opaque() {
		straight := stdimage.NewNRGBA(bounds)
		draw.Draw(straight, bounds, alpha, bounds.Min, draw.Src)
		pixels, opaque = straight.Pix, 0
	} else {
		solid := stdimage.NewRGBA(bounds)
		draw.Draw(solid, bounds, decoded, bounds.Min, draw.Src)
		pixels = solid.Pix
	}
	var out *C.VipsImage
	err = call(func() C.int {
		return C.presize_scale_raw(unsafe.Pointer(&original[0]), C.size_t(len(original)),
			unsafe.Pointer(&pixels[0]), C.int(bounds.Dx()), C.int(bounds.Dy()), opaque,
			C.int(extent.Width), C.int(extent.Height), C.int(runtime.GOMAXPROCS(0)), &out)
	})
	return newImage(out), err
}
