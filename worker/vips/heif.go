package vips

// #include "decode.h"
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/presize/presize/internal/media"
)

// heif is a HEIC or AVIF file that libheif has open.
type heif struct {
	file   *C.PresizeHEIF
	header C.PresizeHEIFHeader
}

// heifVersion is the version of libheif that is in use.
func heifVersion() string { return C.GoString(C.heif_get_version()) }

// heifError is what libheif says about a file that it can't read.
type heifError struct {
	code, subcode C.int
	message       string
}

func (e *heifError) Error() string {
	return fmt.Sprintf("libheif: %s (%d.%d)", e.message, e.code, e.subcode)
}

func newHEIFError(fault *C.PresizeFault) error {
	return &heifError{fault.code, fault.subcode, C.GoString(&fault.message[0])}
}

// unsupported reports whether the file is valid as far as it goes, but of a kind that
// libheif or its codecs can't decode.
func (e *heifError) unsupported() bool {
	switch e.code {
	case C.heif_error_Unsupported_filetype, C.heif_error_Unsupported_feature, C.heif_error_Plugin_loading_error:
		return true
	}
	return false
}

// ours reports whether the error is not the file's fault: memory has run out, or libheif was used wrongly. For
// sizes that no image may have libheif gives the code of memory too, with a reason.
func (e *heifError) ours() bool {
	switch e.code {
	case C.heif_error_Memory_allocation_error:
		return e.subcode == C.heif_suberror_Unspecified
	case C.heif_error_Invalid_input, C.heif_error_Unsupported_filetype, C.heif_error_Unsupported_feature,
		C.heif_error_Decoder_plugin_error, C.heif_error_Plugin_loading_error, C.heif_error_End_of_sequence:
		return false
	}
	return true
}

// openHEIF reads the container of a HEIC or AVIF file. The primary item is the image:
// thumbnails, gain maps and depth are auxiliary images, and left out. A sequence without a primary item is its first frame.
func openHEIF(original []byte) (*heif, error) {
	h := new(heif)
	pin := new(runtime.Pinner) // libheif reads the file until it is closed
	pin.Pin(&original[0])
	var fault C.PresizeFault
	err := call(func() C.int {
		return C.presize_heif_open(unsafe.Pointer(&original[0]), C.size_t(len(original)), &h.file, &h.header, &fault)
	})
	if err != nil {
		pin.Unpin()
		return nil, newHEIFError(&fault)
	}
	runtime.AddCleanup(h, func(file *C.PresizeHEIF) {
		C.presize_heif_close(file)
		pin.Unpin()
	}, h.file)
	if h.header.width < 1 || h.header.height < 1 { // libheif lets such sizes pass
		size := fmt.Sprintf("an image of %d x %d", h.header.width, h.header.height)
		return nil, &heifError{C.heif_error_Invalid_input, C.heif_suberror_Invalid_image_size, size}
	}
	return h, nil
}

// info is what the container says.
func (h *heif) info(format media.Format, size int) Info {
	wide := 1
	if h.header.bits > 8 {
		wide = 2
	}
	return Info{
		Format:  format,
		Upright: media.Extent{Width: int(h.header.width), Height: int(h.header.height)},
		Frames:  1,

		bytes: size,
		pixel: int(h.header.bands) * wide,
		alpha: h.header.bands > 3,
	}
}

// decode decodes the image to exactly extent. Samples are taken as they are coded, of any
// chroma and 8 to 16 bits. An EXIF orientation says the same once more as the container and counts for nothing.
func (h *heif) decode(extent media.Extent) (*image, error) {
	defer runtime.KeepAlive(h)
	threads := C.int(runtime.GOMAXPROCS(0))
	var samples C.PresizeSamples
	var fault C.PresizeFault
	err := call(func() C.int { return C.presize_heif_decode(h.file, threads, &samples, &fault) })
	if err != nil {
		return nil, newHEIFError(&fault)
	}
	defer C.presize_heif_forget(h.file)
	meaning := signal{int(samples.primaries), int(samples.transfer), int(samples.matrix), samples.full != 0}
	if samples.rgb != 0 { // like those of the identity matrix, in another order
		meaning = signal{primariesBT709, transferSRGB, matrixRGB, true}
	}
	if samples.mono != 0 && meaning.matrix <= matrixIdentity { // there is one sample for all three
		meaning.matrix = matrixBT709
	}
	tones := newToneMap(meaning)
	matrix := C.PresizeMatrix{wide: cBool(tones != nil)}
	top := 255.
	if tones != nil {
		top = 65535
	}
	for row, weights := range meaning.planeMatrix(int(samples.bits), top) {
		for i, weight := range weights {
			matrix.weight[row][i] = C.float(weight)
		}
	}
	colors, icc := h.colors(meaning)
	defer C.g_free(C.gpointer(icc.data))
	var out *C.VipsImage
	convert := func() C.int {
		return C.presize_decode_heif(h.file, &matrix, tones.c(), colors.c(), icc,
			C.int(extent.Width), C.int(extent.Height), threads, &out)
	}
	if call(convert) == nil {
		return newImage(out), nil
	}
	messages, err := exclusively(convert)
	if err != nil && strings.Contains(messages, "VipsIcc: ") { // a profile that can't be used counts for nothing
		colors = meaning.conversion()
		data := icc.data
		icc.data = nil
		err = call(convert)
		icc.data = data
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, messages)
	}
	return newImage(out), nil
}

// colors returns how the decoded image gets to sRGB: by tables, by an ICC profile, which the caller g_frees, or, if it is
// there already, by neither. A profile counts more than code points do, unless these say that the image is HDR.
func (h *heif) colors(meaning signal) (*conversion, C.PresizeICC) {
	var icc C.PresizeICC
	if meaning.hdr() {
		return nil, icc
	}
	icc.data = C.presize_heif_profile(h.file, &icc.len)
	profile := unsafe.Slice((*byte)(icc.data), int(icc.len))
	if !usable(profile, false) {
		C.g_free(C.gpointer(icc.data))
		return meaning.conversion(), C.PresizeICC{}
	}
	return findConversion(profile), icc
}
