// The codecs of HEIF that our libheif lacks and libvips has: AV1 and JPEG.
#pragma once
#include <libheif/heif.h>

// presize_codecs_register makes them known to libheif. Once in a process is enough.
int presize_codecs_register(void);
