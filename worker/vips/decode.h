// From a file to a decoded image: upright, 8-bit sRGB, a fourth band only for alpha, and
// without any metadata. See bridge.h for the rules.
#include "bridge.h"
#include "colors.h"

typedef struct {
	int width; // as stored, before the orientation is applied
	int height;
	int orientation; // 1 to 8 as in EXIF
	int pages;
	int pixel; // bytes that a decoded pixel takes
	int alpha; // whether it has alpha
	int interlaced; // whether the file has the image in several passes
} PresizeHeader;

// presize_header reads the header of an encoded image and decodes nothing. It
// fails unless libvips reads the image with the given loader.
int presize_header(const void *buf, size_t len, const char *loader, PresizeHeader *header);

// presize_profile reads the colour profile of an encoded image. *profile is NULL where
// there is none; the caller g_frees it.
int presize_profile(const void *buf, size_t len, void **profile, size_t *profile_len);

// presize_decode decodes an image to exactly width x height: upright, 8-bit
// sRGB, a fourth band only for alpha, and without any metadata. Where colors are given
// and the image has 8 bits a band, they convert it; or else its profile does. An image
// without a profile is in Display P3 where p3 is set, or else in sRGB. Broken images
// fail, and unless lenient is set so do those that only make the decoder warn.
int presize_decode(const void *buf, size_t len, const PresizeColors *colors, int p3, int width, int height,
	int lenient, int threads, VipsImage **out);

// presize_scale_raw is presize_decode for pixels that another decoder has read
// from the file: 8 bits a band, RGB or RGBA, to be turned by an orientation as in EXIF, in
// the colour space of the profile that libvips finds in the file, or else as p3 says. It
// fails where the file's header promises another size.
int presize_scale_raw(const void *file, size_t len, const void *pixels, int pixels_width, int pixels_height, int bands,
	int orientation, const PresizeColors *colors, int p3, int width, int height, int threads, VipsImage **out);
