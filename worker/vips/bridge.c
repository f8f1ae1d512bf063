#include "bridge.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

void
presize_keep_memory(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

void
presize_trim_memory(void)
{
#ifdef __GLIBC__
	if (mallinfo2().fordblks > 256 << 20)
		malloc_trim(0);
#endif
}

int
presize_has_room(size_t size)
{
	void *room = g_try_malloc(size);
	g_free(room);
	return room != NULL;
}

static void
free_room(VipsImage *image, void *room)
{
	g_free(room);
}

// upright is where the pixels of an image go, row by row as they are stored.
typedef struct {
	VipsPel *first; // where the first pixel goes
	ptrdiff_t right; // from there to the pixel right of it, in bytes
	ptrdiff_t down; // and to the one below it
} upright;

// find_upright says where the pixels of an image with an EXIF orientation (EXIF 2.32
// §4.6.4) go in an upright one.
static upright
find_upright(VipsImage *stored, VipsImage *out)
{
	int orientation = vips_image_get_orientation(stored);
	ptrdiff_t x = VIPS_IMAGE_SIZEOF_PEL(out), y = VIPS_IMAGE_SIZEOF_LINE(out);
	gboolean from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
	gboolean from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
	upright u;
	u.first = VIPS_IMAGE_ADDR(out, from_right ? out->Xsize - 1 : 0, from_bottom ? out->Ysize - 1 : 0);
	x = from_right ? -x : x;
	y = from_bottom ? -y : y;
	u.right = orientation >= 5 ? y : x;
	u.down = orientation >= 5 ? x : y;
	return u;
}

// place writes an area of a stored image to where it goes. It goes through it column by
// column: a turned image then gets its pixels in runs, and not one by one from end to end.
static int
place(VipsRegion *stored, void *sequence, void *a, void *unused, gboolean *stop)
{
	const upright *u = a;
	const VipsRect *area = &stored->valid;
	int bands = stored->im->Bands, skip = VIPS_REGION_LSKIP(stored);
	for (int x = area->left; x < VIPS_RECT_RIGHT(area); x++) {
		const VipsPel *in = VIPS_REGION_ADDR(stored, x, area->top);
		VipsPel *out = u->first + x * u->right + area->top * u->down;
		for (int y = 0; y < area->height; y++, in += skip, out += u->down)
			for (int band = 0; band < bands; band++)
				out[band] = in[band];
	}
	return 0;
}

// in_memory computes an image into memory, upright, behind PRESIZE_HEADROOM bytes that
// are its owner's.
static VipsImage *
in_memory(VipsImage *in)
{
	size_t size = VIPS_IMAGE_SIZEOF_IMAGE(in);
	gboolean turned = vips_image_get_orientation_swap(in);
	char *room = g_try_malloc(PRESIZE_HEADROOM + size);
	if (!room)
		return NULL;
	VipsImage *out = vips_image_new_from_memory(room + PRESIZE_HEADROOM, size,
		turned ? in->Ysize : in->Xsize, turned ? in->Xsize : in->Ysize, in->Bands, in->BandFmt);
	if (!out) {
		g_free(room);
		return NULL;
	}
	g_signal_connect(out, "postclose", G_CALLBACK(free_room), room);
	out->Type = in->Type;
	upright u = find_upright(in, out);
	if (vips_image_get_orientation(in) == 1 ? vips_image_write(in, out) : vips_sink(in, NULL, place, NULL, &u, NULL))
		g_clear_object(&out);
	return out;
}

int
presize_finish(VipsImage *in, int threads, VipsImage **out)
{
	VipsImage *srgb = NULL, *plain = NULL;
	int failed = vips_colourspace(in, &srgb, VIPS_INTERPRETATION_sRGB, NULL) ||
		vips_cast_uchar(srgb, &plain, NULL);
	g_object_unref(in);
	g_clear_object(&srgb);
	if (failed)
		return -1;
	vips_image_set_int(plain, VIPS_META_CONCURRENCY, threads);
	*out = in_memory(plain);
	g_object_unref(plain);
	if (!*out)
		return -1;
	// A profile left here would be applied again by the next step.
	vips_image_remove(*out, VIPS_META_ICC_NAME);
	vips_image_remove(*out, VIPS_META_ORIENTATION);
	return 0;
}

// resize scales an image with its alpha premultiplied.
static int
resize(VipsImage *in, VipsImage **out, int width, int height)
{
	VipsImage *t[4] = { NULL };
	int failed = vips_premultiply(in, &t[0], NULL) ||
		vips_resize(t[0], &t[1], (double) width / in->Xsize, "vscale", (double) height / in->Ysize, NULL) ||
		vips_unpremultiply(t[1], &t[2], NULL) ||
		vips_rint(t[2], &t[3], NULL) ||
		vips_cast(t[3], out, in->BandFmt, NULL);
	for (int i = 0; i < G_N_ELEMENTS(t); i++)
		g_clear_object(&t[i]);
	return failed ? -1 : 0;
}

int
presize_scale(VipsImage *in, VipsImage **out, int width, int height, int upright, const char *to)
{
	VipsImage *scaled = NULL;
	gboolean turned = upright && vips_image_get_orientation_swap(in);
	int stored_width = turned ? height : width, stored_height = turned ? width : height;
	// vips_thumbnail premultiplies only where both edges change.
	gboolean straight = vips_image_hasalpha(in) && (stored_width == in->Xsize) != (stored_height == in->Ysize);
	if (straight && resize(in, &scaled, stored_width, stored_height))
		return -1;
	int failed = vips_thumbnail_image(straight ? scaled : in, out, width,
		"height", height,
		"size", VIPS_SIZE_FORCE,
		"no_rotate", !upright,
		"output_profile", to,
		"intent", VIPS_INTENT_PERCEPTUAL,
		NULL);
	g_clear_object(&scaled);
	return failed;
}

int
presize_resize(VipsImage *in, int width, int height, int threads, VipsImage **out)
{
	VipsImage *scaled;
	if (presize_scale(in, &scaled, width, height, FALSE, NULL))
		return -1;
	return presize_finish(scaled, threads, out);
}

int
presize_crop(VipsImage *in, int width, int height, int attention, VipsImage **out)
{
	VipsImage *area;
	if (vips_smartcrop(in, &area, width, height,
			"interesting", attention ? VIPS_INTERESTING_ATTENTION : VIPS_INTERESTING_CENTRE,
			NULL))
		return -1;
	return presize_finish(area, 1, out);
}

int
presize_flatten(VipsImage *in, double red, double green, double blue, VipsImage **out)
{
	double background[] = { red, green, blue };
	VipsArrayDouble *array = vips_array_double_new(background, 3);
	VipsImage *flat;
	int failed = vips_flatten(in, &flat, "background", array, NULL);
	vips_area_unref(VIPS_AREA(array));
	if (failed)
		return -1;
	return presize_finish(flat, 1, out);
}

int
presize_webp(VipsImage *in, int quality, int effort, int lossless, void **out, size_t *out_len)
{
	return vips_webpsave_buffer(in, out, out_len,
		"Q", quality,
		"effort", effort,
		"lossless", lossless,
		"keep", VIPS_FOREIGN_KEEP_NONE,
		NULL);
}

int
presize_mark(VipsImage *in, const PresizeMark *mark, VipsImage **out)
{
	g_object_ref(in); // presize_finish takes one over
	if (presize_finish(in, 1, out))
		return -1;
	if (presize_lay(*out, mark)) {
		g_clear_object(out);
		return -1;
	}
	return 0;
}
