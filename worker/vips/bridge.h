// What bimg gets wrong or can't do, done on the libvips that bimg is linked to.
// Every function returns 0, or -1 after an error. None keeps a pointer to a
// caller's buffer: what they return is decoded and held in memory.
#pragma once
#include "watermark.h"

// PRESIZE_HEADROOM is how many bytes are free, for a header, before the first
// pixel of every decoded image.
#define PRESIZE_HEADROOM 192

// presize_keep_memory lets glibc keep up to 256 MiB that nobody uses: the next image
// needs about as much again, and getting it anew from the kernel, zeroed page by page,
// costs some 5 % of a rendering.
void presize_keep_memory(void);

// presize_trim_memory gives memory back where more than that is held in small pieces.
void presize_trim_memory(void);

// presize_finish turns a pipeline into a decoded image, computed by so many threads, and
// takes over its reference.
int presize_finish(VipsImage *in, int threads, VipsImage **out);

// presize_scale scales any image to exactly width x height with its alpha premultiplied,
// turns it upright if asked to, and converts it from its own profile to another, if that is
// not NULL.
int presize_scale(VipsImage *in, VipsImage **out, int width, int height, int upright, const char *to);

// presize_resize scales a decoded image with its alpha premultiplied.
int presize_resize(VipsImage *in, int width, int height, int threads, VipsImage **out);

// presize_crop keeps width x height of a decoded image: what draws the eye, or
// the middle.
int presize_crop(VipsImage *in, int width, int height, int attention, VipsImage **out);

// presize_flatten lays a decoded image on an opaque background.
int presize_flatten(VipsImage *in, double red, double green, double blue, VipsImage **out);

// presize_webp encodes an image, or all frames of an animation, as WebP without any
// metadata. bimg has no way to say the effort, from 0 to 6, that libwebp is to make.
// Lossless, the quality does not matter. The caller g_frees *out.
int presize_webp(VipsImage *in, int quality, int effort, int lossless, void **out, size_t *out_len);

// presize_mark lays a mark over a decoded image.
int presize_mark(VipsImage *in, const PresizeMark *mark, VipsImage **out);

// presize_has_room tells whether so many bytes of memory can be had. It keeps none of them.
int presize_has_room(size_t size);
