// What bimg has no way to do: animations, from the frames of the original to
// those of a WebP. See bridge.h for the rules.
#include "watermark.h"

// The same for every frame: it is scaled, and of that an area is kept and marked.
typedef struct {
	int scaled_width;
	int scaled_height;
	int left; // of the area within the scaled frame
	int top;
	int width; // of the area
	int height;
	PresizeMark mark;
	int skip; // frames before the first
	int bare; // the profile of the animation counts for nothing
} PresizeCut;

// presize_animate decodes all frames of an animation and encodes them as a WebP
// with the same timing and loop count: upright, 8-bit sRGB, without any metadata.
// It fails unless every frame is whole. The caller g_frees *out.
//
// Frames pass one after the other, in one thread, so that a few of them are in
// memory at a time, however many there are.
int presize_animate(const void *buf, size_t len, const PresizeCut *cut, int quality, int effort, int lossless,
	void **out, size_t *out_len);
