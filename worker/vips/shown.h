// How the container of a HEIC or AVIF has an image shown: turned, mirrored and cropped.
#pragma once
#include <libheif/heif.h>

// PresizeShown is the part of an image that is shown, and how.
typedef struct {
	int left; // of the part, in the image as it is stored
	int top;
	int width;
	int height;
	int orientation; // as EXIF has it
} PresizeShown;

// presize_shown_read follows irot, imir and clap of an item in the order of its properties (ISO/IEC 23008-12 §6.5). shown
// is the whole image before.
void presize_shown_read(const heif_context *context, heif_item_id item, PresizeShown *shown);
