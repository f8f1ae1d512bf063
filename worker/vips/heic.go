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
	"golang.org/x/sync/errgroup"

	"github.com/presize/presize/internal/media"
)

// narrowest is the least width of an image that comes out of the sandbox intact.
// libheif gives no plane rows of less than 64 bytes, and chroma has half the
// columns of the image; the decoder's Go part does not expect the padding.
const narrowest = 128

// decodeHEIC is decode for HEVC, which the prebuilt libvips can't read. libheif
// does it in a WebAssembly sandbox: slower, and unable to harm the process. An EXIF
// orientation says the same once more as the container and counts for nothing. Only the
// primary image is decoded: thumbnails, gain maps, depth and alpha, which are auxiliary
// images, are left out. PQ and HLG (ITU-R BT.2100) are not tone-mapped.
func decodeHEIC(original []byte, extent media.Extent) (*image, error) {
	var decoded stdimage.Image
	var err error
	t, tiled := readTiling(original)
	orientation := 1
	if tiled {
		orientation = t.orientation
		decoded, err = decodeTiles(original, t)
	} else {
		decoded, err = decodeSandboxed(original) // turned and cropped, as the container says
		repairWhole(decoded)
	}
	if err != nil {
		return nil, err
	}
	meaning := readSignal(original)
	meaning.full = meaning.full || tiled // see tiling.file
	pixels, bands := pack(decoded, meaning)
	size := decoded.Bounds().Size()
	p3 := meaning.primaries == primariesP3
	colors := findConversion(original, p3)
	var out *C.VipsImage
	err = call(func() C.int {
		return C.presize_scale_raw(unsafe.Pointer(&original[0]), C.size_t(len(original)),
			unsafe.Pointer(&pixels[0]), C.int(size.X), C.int(size.Y), C.int(bands), C.int(orientation), colors.c(), cBool(p3),
			C.int(extent.Width), C.int(extent.Height), C.int(runtime.GOMAXPROCS(0)), &out)
	})
	return newImage(out), err
}

// decodeTiles decodes an image from its tiles, as many at a time as there are processors:
// each in a small sandbox of its own, which takes less time in all than one for the image.
// The image is as it is stored, still to be turned.
func decodeTiles(original []byte, t tiling) (*stdimage.YCbCr, error) {
	header, err := readHeader(original, loader(media.HEIC))
	if err != nil {
		return nil, err
	}
	promised := media.Extent{Width: int(header.width), Height: int(header.height)}
	if t.orientation >= 5 {
		promised = media.Extent{Width: promised.Height, Height: promised.Width}
	}
	if t.extent != promised { // and checked against the limits
		return nil, fmt.Errorf("decode HEIC: the grid is %v, its header says %v", t.extent, promised)
	}
	canvas := stdimage.NewYCbCr(stdimage.Rect(0, 0, t.extent.Width, t.extent.Height), stdimage.YCbCrSubsampleRatio420)
	var all errgroup.Group
	all.SetLimit(runtime.GOMAXPROCS(0))
	for n := range t.tiles {
		all.Go(func() error {
			decoded, err := decodeSandboxed(t.file(n))
			if err != nil {
				return err
			}
			planes, ok := decoded.(*stdimage.YCbCr)
			if !ok || planes.SubsampleRatio != canvas.SubsampleRatio || planes.Rect.Size() != stdimage.Pt(t.tile.Width, t.tile.Height) {
				return fmt.Errorf("decode HEIC: tile %d is %T of %v", n, decoded, decoded.Bounds())
			}
			mend(planes.Y, planes.YStride)
			column, row := t.at(n)
			drawPlanes(canvas, planes, column*t.tile.Width, row*t.tile.Height)
			return nil
		})
	}
	return canvas, all.Wait()
}

// drawPlanes copies as much of a tile as fits to a place in an image of the same kind.
func drawPlanes(on, tile *stdimage.YCbCr, left, top int) {
	size := tile.Rect.Size()
	right, bottom := min(left+size.X, on.Rect.Max.X), min(top+size.Y, on.Rect.Max.Y)
	for y := top; y < bottom; y++ {
		from := tile.YOffset(0, y-top)
		copy(on.Y[on.YOffset(left, y):on.YOffset(right-1, y)+1], tile.Y[from:])
		start, end := on.COffset(left, y), on.COffset(right-1, y)+1
		from = tile.COffset(0, y-top)
		copy(on.Cb[start:end], tile.Cb[from:])
		copy(on.Cr[start:end], tile.Cr[from:])
	}
}

// decodeSandboxed decodes a HEIC file as a whole.
func decodeSandboxed(file []byte) (decoded stdimage.Image, err error) {
	defer func() {
		if trap := recover(); trap != nil { // the sandbox's way to report what no check of libheif caught
			err = fmt.Errorf("decode HEIC: %v", trap)
		}
	}()
	file = bytes.Clone(file)
	copy(file[8:12], "heic") // the decoder wants the codec's own brand where others put a generic one
	if decoded, err = heic.Decode(bytes.NewReader(file)); err != nil {
		return nil, fmt.Errorf("decode HEIC: %w", err)
	}
	return decoded, nil
}

// repairWhole mends what the decoder breaks in an image that did not come in tiles.
func repairWhole(decoded stdimage.Image) {
	switch decoded := decoded.(type) {
	case *stdimage.YCbCr:
		mend(decoded.Y, decoded.YStride)
		if decoded.SubsampleRatio != stdimage.YCbCrSubsampleRatio444 {
			mendEdges(decoded.Cb, decoded)
			mendEdges(decoded.Cr, decoded)
		}
	case *stdimage.Gray:
		mend(decoded.Pix, decoded.Stride)
	}
}

// pack returns the pixels of a decoded image without gaps, 3 bytes each or with
// alpha 4.
func pack(decoded stdimage.Image, meaning signal) (pixels []byte, bands int) {
	switch decoded := decoded.(type) {
	case *stdimage.YCbCr:
		return newTransform(meaning).rgb(decoded), 3
	case *stdimage.Gray:
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
