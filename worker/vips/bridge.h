// What bimg gets wrong or can't do, done on the libvips that bimg is linked to.
// Every function returns 0, or -1 after an error. None keeps a pointer to a
// caller's buffer: what they return is decoded and held in memory.
#include "watermark.h"

// PRESIZE_HEADROOM is how many bytes are free, for a header, before the first
// pixel of every decoded image.
#define PRESIZE_HEADROOM 192

// presize_keep_memory lets glibc keep up to 256 MiB that nobody uses: the next image
// needs about as much again, and getting it anew from the kernel, zeroed page by page,
// costs some 5 % of a rendering.
void presize_keep_memory(void);

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

// presize_decode decodes an image to exactly width x height: upright, 8-bit
// sRGB, a fourth band only for alpha, and without any metadata. An image without
// a profile is in Display P3 where p3 is set, or else in sRGB. Broken images
// fail, and unless lenient is set so do those that only make the decoder warn.
int presize_decode(const void *buf, size_t len, int p3, int width, int height, int lenient, int threads,
	VipsImage **out);

// presize_scale scales any image to exactly width x height with its alpha premultiplied,
// turns it upright if asked to, and converts it to the profile to, if that is
// not NULL: from its own, or else from the one given.
int presize_scale(VipsImage *in, VipsImage **out, int width, int height, int upright, const char *from, const char *to);

// presize_resize scales a decoded image with its alpha premultiplied.
int presize_resize(VipsImage *in, int width, int height, int threads, VipsImage **out);

// presize_crop keeps width x height of a decoded image: what draws the eye, or
// the middle.
int presize_crop(VipsImage *in, int width, int height, int attention, VipsImage **out);

// presize_flatten lays a decoded image on an opaque background.
int presize_flatten(VipsImage *in, double red, double green, double blue, VipsImage **out);

// presize_webp encodes an image, or all frames of an animation, as WebP without any
// metadata. bimg has no way to say the effort, from 0 to 6, that libwebp is to make.
// The caller g_frees *out.
int presize_webp(VipsImage *in, int quality, int effort, void **out, size_t *out_len);

// presize_mark lays a mark over a decoded image.
int presize_mark(VipsImage *in, const PresizeMark *mark, VipsImage **out);

// presize_scale_raw is presize_decode for pixels that another decoder has read
// from the file: upright, 8 bits a band, RGB or RGBA, in the colour space of the
// profile that libvips finds in the file, or else as p3 says. It fails where the
// file's header promises another size.
int presize_scale_raw(const void *file, size_t len, const void *pixels, int pixels_width, int pixels_height, int bands,
	int p3, int width, int height, int threads, VipsImage **out);
