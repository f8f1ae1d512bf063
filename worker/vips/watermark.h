// What bimg gets wrong with watermarks, see watermark.go. See bridge.h for the rules.
#pragma once
#include <vips/vips.h>

// An image laid over a place of another one, both decoded.
typedef struct {
	VipsImage *image; // NULL for none
	int left; // in the other image, all of it within
	int top;
	double opacity; // 0 to 1, beside its own alpha
} PresizeMark;

// presize_lay lays the mark over pixels that nobody else has a reference to.
int presize_lay(VipsImage *on, const PresizeMark *mark);
