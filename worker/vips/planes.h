// From coded samples to red, green and blue.
#pragma once
#include "heif.h"

// presize_planes_samples says what samples a decoded image has. It fails for a layout that
// presize_planes_image does not know.
int presize_planes_samples(const heif_image *image, PresizeSamples *samples, PresizeFault *fault);

// presize_planes_image is the image in 8 bits, or 16 where the matrix is wide, of RGB or RGBA with
// straight alpha. It reads the planes until it is in memory.
int presize_planes_image(heif_image *image, const PresizeMatrix *matrix, VipsImage **out);
