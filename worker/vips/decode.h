// From a file to a decoded image: upright, 8-bit sRGB, a fourth band only for alpha, and
// without any metadata. See bridge.h for the rules.
#include "bridge.h"
#include "colors.h"
#include "hdr.h"
#include "heif.h"

typedef struct {
	int width; // as stored, before the orientation is applied
	int height;
	int orientation; // 1 to 8 as in EXIF
	int pages;
	int pixel; // bytes that a decoded pixel takes
	int alpha; // whether it has alpha
	int inks; // whether it is CMYK
	int interlaced; // whether the file has the image in several passes
	int smaller; // how its loader makes it smaller: PRESIZE_SMALLER_*, or 0 for not at all
} PresizeHeader;

#define PRESIZE_SMALLER_JPEG 1 // by 2, 4 or 8
#define PRESIZE_SMALLER_WEBP 2 // by any factor

// PresizeICC is an ICC profile; data is NULL for none.
typedef struct {
	void *data;
	size_t len;
} PresizeICC;

// presize_header reads the header of an encoded image, with its colour profile, and decodes nothing. It
// fails unless libvips reads the image with the given loader. The caller g_frees icc->data.
int presize_header(const void *buf, size_t len, const char *loader, PresizeHeader *header, PresizeICC *icc);

// PresizeReading says how an encoded image is to be read. All 0 is as libvips finds it.
typedef struct {
	const char *options; // of the loader
	const PresizeColors *colors; // tables for images of 8 bits a band that are in RGB; or NULL
	const PresizeHDR *tones; // for images that are HDR; or NULL
	PresizeICC icc; // overrules the profile of the image, if data is not NULL
	int bare; // the profile of the image counts for nothing
	int bands; // how many bands hold the colours, where others may follow; or 0 for what libvips says
	int alpha; // which one of those that follow is alpha, counted from 1; or 0 for none
	int lab; // what is read as RGB of 8 bits is CIELAB (TIFF 6.0 §23)
} PresizeReading;

// presize_decode decodes an image to exactly width x height: upright, 8-bit
// sRGB, a fourth band only for alpha, and without any metadata. header is what presize_header has read.
int presize_decode(const void *buf, size_t len, const PresizeHeader *header, const PresizeReading *reading, int width, int height,
	int threads, VipsImage **out);

// presize_decode_heif is presize_decode for an image that presize_heif_decode has decoded. tones takes an HDR image to
// sRGB and is NULL for others; of these colors convert an image, or else its profile does.
int presize_decode_heif(const PresizeHEIF *heif, const PresizeMatrix *matrix, const PresizeHDR *tones, const PresizeColors *colors,
	PresizeICC icc, int width, int height, int threads, VipsImage **out);
