// HDR images, brought to what an sRGB screen shows. See hdr.go.
#pragma once
#include <vips/vips.h>

#define PRESIZE_CODES 4096
#define PRESIZE_LIGHTS 32768

typedef struct {
	float light[PRESIZE_CODES]; // of each code value, in units of the light of the reference white
	float weights[3]; // of red, green and blue in luminance
	// What light is multiplied by, by the square root of the scene's luminance. All 1 where a code stands
	// for light of the display.
	float system[PRESIZE_CODES];
	// What light is multiplied by, by the square root of the brightest of red, green and blue, of peak.
	float tone[PRESIZE_CODES];
	float peak;
	float to_srgb[3][3]; // to the primaries of sRGB, by rows
	unsigned char level[PRESIZE_LIGHTS + 1]; // sRGB of light from 0 to 1
} PresizeHDR;

// presize_tone_map makes 8-bit sRGB of an image of 8 or 16 bits a band, RGB or RGBA. Alpha stays. hdr is in use until
// the image is in memory.
int presize_tone_map(VipsImage *in, const PresizeHDR *hdr, VipsImage **out);
