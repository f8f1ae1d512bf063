// HEIC and AVIF, by libheif. The loader of libvips has no HEVC, and of AVIF it gives neither the
// alpha apart from the colours nor the samples as they are coded. See bridge.h for the rules.
#pragma once
#include <libheif/heif.h>
#include <vips/vips.h>

typedef struct PresizeHEIF PresizeHEIF;

// PresizeFault is what libheif says about a file that it can't read.
typedef struct {
	int code; // of enum heif_error_code
	int subcode; // of enum heif_suberror_code
	char message[256];
} PresizeFault;

typedef struct {
	int width; // as it is to be seen
	int height;
	int stored_width; // of what is decoded
	int stored_height;
	int bits; // of each sample
	int bands; // of the decoded image: colours, and one more with alpha
	int tiles; // that are coded each by itself, at least 1
} PresizeHEIFHeader;

// PresizeSamples says how the coded samples of a decoded image are to be understood, in the
// code points of ITU-T H.273.
typedef struct {
	int bits;
	int rgb; // whether they are red, green and blue, and not Y, Cb and Cr
	int mono; // whether they are grey
	int primaries;
	int transfer;
	int matrix;
	int full;
} PresizeSamples;

// PresizeMatrix takes three coded samples and 1 to red, green and blue, 0 to 255 or, where
// wide is set, 0 to 65535.
typedef struct {
	float weight[3][4];
	int wide;
} PresizeMatrix;

// presize_heif_start registers the codecs that libheif lacks: see codecs.h.
int presize_heif_start(void);

// presize_heif_open reads the container and decodes nothing. *out reads buf until it is closed.
int presize_heif_open(const void *buf, size_t len, PresizeHEIF **out, PresizeHEIFHeader *header, PresizeFault *fault);

// presize_heif_profile is the ICC profile of the image, or of what it is derived from. The caller
// g_frees it; NULL is none.
void *presize_heif_profile(const PresizeHEIF *heif, size_t *len);

// presize_heif_decode decodes the image, with so many threads. It fails unless all of it is there,
// and has the size that was promised; no codec gets memory for more than that.
int presize_heif_decode(PresizeHEIF *heif, int threads, PresizeSamples *samples, PresizeFault *fault);

// presize_heif_image is the decoded image, straight alpha, cropped, and to be turned by its orientation as in
// EXIF. It reads heif until it is in memory.
int presize_heif_image(const PresizeHEIF *heif, const PresizeMatrix *matrix, VipsImage **out);

// presize_heif_forget frees the decoded image.
void presize_heif_forget(PresizeHEIF *heif);

void presize_heif_close(PresizeHEIF *heif);
