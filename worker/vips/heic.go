package vips

// #include "decode.h"
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

// narrowest is the least width of an image that comes out of the sandbox intact.
// libheif gives no plane rows of less than 64 bytes, and chroma has half the
// columns of the image; the decoder's Go part does not expect the padding.
const narrowest = 128

// decodeHEIC is decode for HEVC, which the prebuilt libvips can't read. libheif
// does it in a WebAssembly sandbox: slower, and unable to harm the process. It
// turns and crops as the container says; an EXIF orientation beside that says the
// same once more and counts for nothing. Only the primary image is decoded:
// thumbnails, gain maps, depth and alpha, which are auxiliary images, are left out.
// PQ and HLG (ITU-R BT.2100) are not tone-mapped.
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
	meaning := readSignal(original)
	pixels, bands := pack(decoded, meaning)
	size := decoded.Bounds().Size()
	p3 := meaning.primaries == primariesP3
	colors := findConversion(original, p3)
	var out *C.VipsImage
	err = call(func() C.int {
		return C.presize_scale_raw(unsafe.Pointer(&original[0]), C.size_t(len(original)),
			unsafe.Pointer(&pixels[0]), C.int(size.X), C.int(size.Y), C.int(bands), colors.c(), cBool(p3),
			C.int(extent.Width), C.int(extent.Height), C.int(runtime.GOMAXPROCS(0)), &out)
	})
	return newImage(out), err
}

// pack returns the pixels of a decoded image without gaps, 3 bytes each or with
// alpha 4.
func pack(decoded stdimage.Image, meaning signal) (pixels []byte, bands int) {
	switch decoded := decoded.(type) {
	case *stdimage.YCbCr:
		mend(decoded.Y, decoded.YStride)
		if decoded.SubsampleRatio != stdimage.YCbCrSubsampleRatio444 {
			mendEdges(decoded.Cb, decoded)
			mendEdges(decoded.Cr, decoded)
		}
		return newTransform(meaning).rgb(decoded), 3
	case *stdimage.Gray:
		mend(decoded.Pix, decoded.Stride)
		return grey(decoded, meaning), 3
	}
	// Anything else libheif has converted to RGBA itself.
	bounds := decoded.Bounds()
	straight := stdimage.NewNRGBA(bounds)
	draw.Draw(straight, bounds, decoded, bounds.Min, draw.Src)
	mend(straight.Pix, straight.Stride)
	if !straight.Opaque() {
		return straight.Pix, 4
	}
	for at := 0; at < len(straight.Pix); at += 4 {
		pixels = append(pixels, straight.Pix[at:at+3]...)
	}
	return pixels, 3
}

// mend replaces the first bytes of an image by those in the next row: the decoder
// frees its buffer within the sandbox before it hands it out, and the allocator
// there has already written up to six 32-bit words of its own over them.
func mend(plane []byte, stride int) {
	const overwritten = 24
	if width := min(overwritten, stride); len(plane) >= stride+width {
		copy(plane[:width], plane[stride:])
	}
}

// mendEdges replaces the outermost samples of a subsampled chroma plane by their
// neighbors. libheif 1.18 takes such planes to full size and back even where that
// is not asked for, which mixes colors of other places into all four edges.
func mendEdges(plane []byte, img *stdimage.YCbCr) {
	end := img.COffset(img.Rect.Max.X-1, img.Rect.Max.Y-1)
	columns := end%img.CStride + 1
	rows := end/img.CStride + 1
	if columns < 3 || rows < 3 {
		return
	}
	row := func(y int) []byte { return plane[y*img.CStride:][:columns] }
	copy(row(0), row(1))
	copy(row(rows-1), row(rows-2))
	for y := range rows {
		r := row(y)
		r[0], r[columns-1] = r[1], r[columns-2]
	}
}
