#include "bridge.h"

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
	*out = vips_image_copy_memory(plain);
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
	g_object_unref(image);
	return 0;
}

int
presize_decode(const void *buf, size_t len, int width, int height, int lenient, int threads, VipsImage **out)
{
	VipsImage *scaled;
	// The operation's own fail_on does not reach every loader; the loader's option does.
	if (vips_thumbnail_buffer((void *) buf, len, &scaled, width,
			"height", height,
			"size", VIPS_SIZE_FORCE,
			"output_profile", "srgb",
			"option_string", lenient ? "fail_on=error" : "fail_on=warning",
			NULL))
		return -1;
	return finish(scaled, threads, out);
}

int
presize_resize(VipsImage *in, int width, int height, int threads, VipsImage **out)
{
	VipsImage *scaled;
	if (vips_thumbnail_image(in, &scaled, width,
			"height", height,
			"size", VIPS_SIZE_FORCE,
			"no_rotate", TRUE,
			NULL))
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

// copy_profile attaches the colour profile of an encoded image to in.
static int
copy_profile(const void *file, size_t len, VipsImage *in, VipsImage **out)
{
	const void *profile;
	size_t profile_len;
	VipsImage *header = vips_image_new_from_buffer(file, len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!header || vips_copy(in, out, NULL)) {
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
presize_scale_raw(const void *file, size_t len, const void *rgba, int rgba_width, int rgba_height, int opaque,
	int width, int height, int threads, VipsImage **out)
{
	VipsImage *raw, *bands = NULL, *tagged = NULL, *scaled = NULL;
	raw = vips_image_new_from_memory(rgba, (size_t) rgba_width * rgba_height * 4,
		rgba_width, rgba_height, 4, VIPS_FORMAT_UCHAR);
	if (!raw)
		return -1;
	int failed = vips_extract_band(raw, &bands, 0, "n", opaque ? 3 : 4, NULL);
	if (!failed) {
		bands->Type = VIPS_INTERPRETATION_sRGB;
		failed = copy_profile(file, len, bands, &tagged) ||
			vips_thumbnail_image(tagged, &scaled, width,
				"height", height,
				"size", VIPS_SIZE_FORCE,
				"no_rotate", TRUE,
				"output_profile", "srgb",
				NULL);
	}
	g_clear_object(&tagged);
	g_clear_object(&bands);
	g_object_unref(raw);
	return failed ? -1 : finish(scaled, threads, out);
}
