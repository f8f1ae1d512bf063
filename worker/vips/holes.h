// Blocks of an HEVC image that no slice has brought. libde265 takes a slice that ends early for the end of the
// image and says nothing: most damage to the coded data ends like that, because the end of a slice is
// a code like any other.
#pragma once
#include "de265.h"

// presize_mark_images makes all decoders begin each image with marks in place of its samples. It is called
// once, before the first decoder is made.
void presize_mark_images(void);

// presize_has_hole tells whether a block of the image still has its marks. Damage behind which the decoder comes to the
// image's last block as if nothing had happened is found by nothing: HEVC has no checksum but an optional one.
int presize_has_hole(const de265_image *image);
