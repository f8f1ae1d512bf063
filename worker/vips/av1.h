// AV1 images: what their sequence header says, and how to make a file of one.
#pragma once
#include <glib.h>
#include <stdint.h>

typedef struct {
	int profile;
	int level;
	int tier;
	int width; // the most that a frame may have
	int height;
	int bits; // of each sample: 8, 10 or 12
	int mono;
	int right; // columns that share a sample of chroma, as a power of two
	int down; // rows
	int chroma_position;
	int primaries; // code points of ITU-T H.273
	int transfer;
	int matrix;
	int full;
} PresizeAV1;

// presize_av1_read reads the first sequence header in a series of OBUs. It fails where there is none.
int presize_av1_read(const uint8_t *data, size_t len, PresizeAV1 *out);

// presize_av1_file appends an AVIF file with one image, of which it says that its samples are green, blue
// and red in full range.
void presize_av1_file(const PresizeAV1 *av1, const uint8_t *data, uint32_t len, GByteArray *out);
