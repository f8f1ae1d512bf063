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

static void
free_room(VipsImage *image, void *room)
{
	g_free(room);
}

// in_memory computes an image into memory, behind PRESIZE_HEADROOM bytes that are
// its owner's.
static VipsImage *
in_memory(VipsImage *in)
{
	size_t size = VIPS_IMAGE_SIZEOF_IMAGE(in);
	char *room = g_try_malloc(PRESIZE_HEADROOM + size);
	if (!room)
		return NULL;
	VipsImage *out = vips_image_new_from_memory(room + PRESIZE_HEADROOM, size,
		in->Xsize, in->Ysize, in->Bands, in->BandFmt);
	if (!out) {
		g_free(room);
		return NULL;
	}
	g_signal_connect(out, "postclose", G_CALLBACK(free_room), room);
	if (vips_image_write(in, out))
		g_clear_object(&out);
	return out;
}

// finish turns a pipeline into a decoded image and takes over its reference.
static int
finish(VipsImage *in, int threads, VipsImage **out)
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

int
presize_header(const void *buf, size_t len, const char *loader, PresizeHeader *header)
{
	const char *found = vips_foreign_find_load_buffer(buf, len);
	if (!found || strcmp(found, loader))
		return -1;
	VipsImage *image = vips_image_new_from_buffer(buf, len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!image)
		return -1;
	header->width = vips_image_get_width(image);
	header->height = vips_image_get_height(image);
	header->orientation = vips_image_get_orientation(image);
	header->pages = vips_image_get_n_pages(image);
	header->pixel = VIPS_IMAGE_SIZEOF_PEL(image);
	header->alpha = vips_image_hasalpha(image);
	header->interlaced = 0;
	if (vips_image_get_typeof(image, "interlaced") &&
		vips_image_get_int(image, "interlaced", &header->interlaced)) {
		g_object_unref(image);
		return -1;
	}
	g_object_unref(image);
	return 0;
}

// shrinks_on_load tells whether vips_thumbnail_buffer gets an image in a smaller size from
// its loader, and gets it right: libwebp scales lossy colors without regard to alpha, and of
// other formats it is the thumbnail in an AVIF or another page of a TIFF, whatever
// these show.
static gboolean
shrinks_on_load(VipsImage *in)
{
	const char *loader;
	return !vips_image_hasalpha(in) && vips_image_get_typeof(in, VIPS_META_LOADER) &&
		!vips_image_get_string(in, VIPS_META_LOADER, &loader) &&
		(vips_isprefix("jpegload", loader) || vips_isprefix("webpload", loader));
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
presize_scale(VipsImage *in, VipsImage **out, int width, int height, int upright, const char *from, const char *to)
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
		"input_profile", from,
		"output_profile", to,
		NULL);
	g_clear_object(&scaled);
	return failed;
}

int
presize_decode(const void *buf, size_t len, int p3, int width, int height, int lenient, int threads,
	VipsImage **out)
{
	// The operation's own fail_on does not reach every loader; the loader's option does.
	const char *options = lenient ? "fail_on=error" : "fail_on=warning";
	VipsImage *in = vips_image_new_from_buffer(buf, len, options, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!in)
		return -1;
	// Without a profile there is nothing to convert, unless it is known to be in Display
	// P3: libvips would go from sRGB through XYZ back to sRGB, slowly.
	const char *from = p3 ? "p3" : NULL;
	const char *to = p3 || vips_image_get_typeof(in, VIPS_META_ICC_NAME) ? "srgb" : NULL;
	VipsImage *scaled;
	int failed;
	if (shrinks_on_load(in))
		failed = vips_thumbnail_buffer((void *) buf, len, &scaled, width,
			"height", height,
			"size", VIPS_SIZE_FORCE,
			"input_profile", from,
			"output_profile", to,
			"option_string", options,
			NULL);
	else
		failed = presize_scale(in, &scaled, width, height, TRUE, from, to);
	g_object_unref(in);
	return failed ? -1 : finish(scaled, threads, out);
}

int
presize_resize(VipsImage *in, int width, int height, int threads, VipsImage **out)
{
	VipsImage *scaled;
	if (presize_scale(in, &scaled, width, height, FALSE, NULL, NULL))
		return -1;
	return finish(scaled, threads, out);
}

int
presize_crop(VipsImage *in, int width, int height, int attention, VipsImage **out)
{
	VipsImage *area;
	if (vips_smartcrop(in, &area, width, height,
			"interesting", attention ? VIPS_INTERESTING_ATTENTION : VIPS_INTERESTING_CENTRE,
			NULL))
		return -1;
	return finish(area, 1, out);
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
	return finish(flat, 1, out);
}

int
presize_webp(VipsImage *in, int quality, int effort, void **out, size_t *out_len)
{
	return vips_webpsave_buffer(in, out, out_len,
		"Q", quality,
		"effort", effort,
		"keep", VIPS_FOREIGN_KEEP_NONE,
		NULL);
}

int
presize_mark(VipsImage *in, const PresizeMark *mark, VipsImage **out)
{
	g_object_ref(in); // finish takes one over
	if (finish(in, 1, out))
		return -1;
	if (presize_lay(*out, mark)) {
		g_clear_object(out);
		return -1;
	}
	return 0;
}

// copy_profile attaches the colour profile of an encoded image to in. It fails
// where the file's header promises another size than in has.
static int
copy_profile(const void *file, size_t len, VipsImage *in, VipsImage **out)
{
	const void *profile;
	size_t profile_len;
	VipsImage *header = vips_image_new_from_buffer(file, len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!header || vips_image_get_width(header) != vips_image_get_width(in) ||
		vips_image_get_height(header) != vips_image_get_height(in) || vips_copy(in, out, NULL)) {
		g_clear_object(&header);
		return -1;
	}
	if (vips_image_get_typeof(header, VIPS_META_ICC_NAME) &&
		!vips_image_get_blob(header, VIPS_META_ICC_NAME, &profile, &profile_len))
		vips_image_set_blob_copy(*out, VIPS_META_ICC_NAME, profile, profile_len);
	g_object_unref(header);
	return 0;
}

int
presize_scale_raw(const void *file, size_t len, const void *pixels, int pixels_width, int pixels_height, int bands,
	int p3, int width, int height, int threads, VipsImage **out)
{
	VipsImage *raw, *tagged = NULL, *scaled = NULL;
	raw = vips_image_new_from_memory(pixels, (size_t) pixels_width * pixels_height * bands,
		pixels_width, pixels_height, bands, VIPS_FORMAT_UCHAR);
	if (!raw)
		return -1;
	raw->Type = VIPS_INTERPRETATION_sRGB;
	int failed = copy_profile(file, len, raw, &tagged);
	if (!failed) {
		gboolean convert = p3 || vips_image_get_typeof(tagged, VIPS_META_ICC_NAME);
		failed = presize_scale(tagged, &scaled, width, height, FALSE, p3 ? "p3" : NULL, convert ? "srgb" : NULL);
	}
	g_clear_object(&tagged);
	g_object_unref(raw);
	return failed ? -1 : finish(scaled, threads, out);
}
