#include "holes.h"
#include <glib.h>
#include <libheif/heif.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 64 // bytes before the samples of a plane
#define PADDING 16 // bytes behind them, which libde265 may read
#define BLOCK 16 // samples, of the smallest coding tree block (ITU-T H.265 §7.4.3.2.1)
#define BORDER 4 // samples that deblocking may change from outside, and one more

// plane stands at the start of the memory of a plane.
typedef struct {
	int width; // in bytes
	int height;
	size_t stride;
	int size; // of a sample, in bytes
	uint32_t mask; // the bits that samples have
} plane;

G_STATIC_ASSERT(sizeof(plane) <= ROOM);

// mark is what stands in place of the samples in the word of a plane with that number: noise, which no image has.
static uint32_t
mark(uint32_t number)
{
	number *= 0x9e3779b1;
	number ^= number >> 15;
	number *= 0x85ebca77;
	return number ^ number >> 13;
}

static uint32_t *
row(const plane *p, int y)
{
	return (uint32_t *) ((uint8_t *) p + ROOM + y * p->stride);
}

static int
add_plane(de265_image *image, int channel, int width, int height, int alignment)
{
	int bits = de265_get_bits_per_pixel(image, channel);
	int size = bits > 8 ? 2 : 1;
	size_t stride = (size_t) (width + alignment - 1) / alignment * alignment * size;
	void *memory;
	if (posix_memalign(&memory, ROOM, ROOM + stride * height + PADDING))
		return -1;
	plane *p = memory;
	*p = (plane) { width * size, height, stride, size, bits > 8 ? ((1u << bits) - 1) * 0x10001u : G_MAXUINT32 };
	if (channel == 0)
		for (uint32_t i = 0; i < stride / 4 * height; i++)
			row(p, 0)[i] = mark(i) & p->mask;
	else
		memset(row(p, 0), 0, stride * height);
	memset(row(p, height), 0, PADDING);
	de265_set_image_plane(image, channel, row(p, 0), (int) stride, p);
	return 0;
}

static void
release_buffer(void *context, de265_image *image, void *unused)
{
	for (int channel = 0; channel < 3; channel++)
		free(de265_get_image_plane_user_data(image, channel));
}

static int
get_buffer(void *context, de265_image_spec *spec, de265_image *image, void *unused)
{
	int chroma = de265_get_chroma_format(image); // the numbers are libheif's
	int right = chroma == heif_chroma_420 || chroma == heif_chroma_422, down = chroma == heif_chroma_420;
	for (int channel = 0; channel < 3; channel++)
		de265_set_image_plane(image, channel, NULL, 0, NULL);
	int failed = add_plane(image, 0, spec->width, spec->height, spec->alignment);
	for (int channel = 1; channel < 3 && chroma != heif_chroma_monochrome; channel++)
		failed = failed || add_plane(image, channel, spec->width >> right, spec->height >> down, spec->alignment);
	if (!failed)
		return 1;
	release_buffer(context, image, NULL);
	for (int channel = 0; channel < 3; channel++)
		de265_set_image_plane(image, channel, NULL, 0, NULL);
	return 0;
}

void
presize_mark_images(void)
{
	// A decoder's own functions are not asked for images with sample adaptive offset, which most have.
	de265_image_allocation *functions = (de265_image_allocation *) de265_get_default_image_allocation_functions();
	functions->get_buffer = get_buffer;
	functions->release_buffer = release_buffer;
}

// is_marked tells whether all inner samples of a block are marks.
static gboolean
is_marked(const plane *p, int left, int top)
{
	int from = (left + BORDER * p->size) / 4, to = MIN(left + (BLOCK - BORDER) * p->size, p->width) / 4;
	for (int y = top + BORDER; y < MIN(top + BLOCK - BORDER, p->height); y++)
		for (int x = from; x < to; x++)
			if (row(p, y)[x] != (mark(y * p->stride / 4 + x) & p->mask))
				return FALSE;
	return TRUE;
}

int
presize_has_hole(const de265_image *image)
{
	const plane *p = de265_get_image_plane_user_data(image, 0);
	for (int y = 0; y < p->height; y += BLOCK)
		for (int x = 0; x < p->width; x += BLOCK * p->size)
			if (is_marked(p, x, y))
				return TRUE;
	return FALSE;
}
