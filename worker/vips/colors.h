// Colors of an RGB space, converted to sRGB by tables. See profile.go.
#pragma once
#include <vips/vips.h>

#define PRESIZE_LEVELS 32768

typedef struct {
	// What each value of red, green and blue adds to the red, green and blue of linear
	// sRGB, in steps. The sum of three is an index of level.
	float light[3][256][4];
	unsigned char level[PRESIZE_LEVELS];
} PresizeColors;

// presize_convert makes sRGB of an image of 8 bits a band, as it is read. Alpha stays.
// colors is in use until the image is in memory.
int presize_convert(VipsImage *in, const PresizeColors *colors, VipsImage **out);
