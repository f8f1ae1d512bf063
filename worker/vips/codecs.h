// The codecs of HEIF that our libheif lacks and libvips has: AV1 and JPEG.
#pragma once
#include <libheif/heif.h>

// presize_codecs_register makes them known to libheif. Once in a process is enough.
int presize_codecs_register(void);

// presize_codecs_describe sets what the samples of a decoded image mean: code points of ITU-T H.273, and whether
// they have the full range.
void presize_codecs_describe(heif_image *image, int primaries, int transfer, int matrix, int full);
