#include "decode.h"

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

int
presize_profile(const void *buf, size_t len, void **profile, size_t *profile_len)
{
	*profile = NULL;
	VipsImage *in = vips_image_new_from_buffer(buf, len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!in)
		return -1;
	const void *found;
	if (vips_image_get_typeof(in, VIPS_META_ICC_NAME) &&
		!vips_image_get_blob(in, VIPS_META_ICC_NAME, &found, profile_len))
		*profile = g_memdup2(found, *profile_len);
	g_object_unref(in);
	return 0;
}

// converter says how an image gets from its colours to sRGB: by the tables, if there are any
// for it, or by libvips, from one profile to another. All NULL is not at all: libvips
// would go from sRGB through XYZ back to sRGB, slowly.
typedef struct {
	const PresizeColors *tables;
	const char *from;
	const char *to;
} converter;

static converter
find_converter(VipsImage *in, const PresizeColors *colors, int p3)
{
	converter c = { NULL, NULL, NULL };
	if (colors && in->BandFmt == VIPS_FORMAT_UCHAR && in->Bands >= 3 && in->Type == VIPS_INTERPRETATION_sRGB)
		c.tables = colors;
	else if (p3 || vips_image_get_typeof(in, VIPS_META_ICC_NAME)) {
		c.from = p3 ? "p3" : NULL;
		c.to = "srgb";
	}
	return c;
}

// finish is presize_finish, after conversion by the tables if there are any.
static int
finish(VipsImage *scaled, const PresizeColors *tables, int threads, VipsImage **out)
{
	if (!tables)
		return presize_finish(scaled, threads, out);
	VipsImage *converted;
	int failed = presize_convert(scaled, tables, &converted) || presize_finish(converted, threads, out);
	g_object_unref(scaled); // libvips reads it until the end, without a reference of its own
	return failed ? -1 : 0;
}

int
presize_decode(const void *buf, size_t len, const PresizeColors *colors, int p3, int width, int height,
	int lenient, int threads, VipsImage **out)
{
	// The operation's own fail_on does not reach every loader; the loader's option does.
	const char *options = lenient ? "fail_on=error" : "fail_on=warning";
	VipsImage *in = vips_image_new_from_buffer(buf, len, options, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!in)
		return -1;
	converter c = find_converter(in, colors, p3);
	// It is turned at the very end, so that what can be done while the decoder still works is.
	gboolean turned = vips_image_get_orientation_swap(in);
	int stored_width = turned ? height : width, stored_height = turned ? width : height;
	VipsImage *scaled;
	int failed;
	if (shrinks_on_load(in))
		failed = vips_thumbnail_buffer((void *) buf, len, &scaled, stored_width,
			"height", stored_height,
			"size", VIPS_SIZE_FORCE,
			"no_rotate", TRUE,
			"input_profile", c.from,
			"output_profile", c.to,
			"option_string", options,
			NULL);
	else
		failed = presize_scale(in, &scaled, stored_width, stored_height, FALSE, c.from, c.to);
	g_object_unref(in);
	return failed ? -1 : finish(scaled, c.tables, threads, out);
}

// copy_profile attaches the colour profile of an encoded image to in. It fails
// where the file's header promises another size than in will have when it is upright.
static int
copy_profile(const void *file, size_t len, VipsImage *in, VipsImage **out)
{
	const void *profile;
	size_t profile_len;
	gboolean turned = vips_image_get_orientation_swap(in);
	VipsImage *header = vips_image_new_from_buffer(file, len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!header || vips_image_get_width(header) != (turned ? in->Ysize : in->Xsize) ||
		vips_image_get_height(header) != (turned ? in->Xsize : in->Ysize) || vips_copy(in, out, NULL)) {
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
	int orientation, const PresizeColors *colors, int p3, int width, int height, int threads, VipsImage **out)
{
	VipsImage *raw, *tagged = NULL, *scaled = NULL;
	raw = vips_image_new_from_memory(pixels, (size_t) pixels_width * pixels_height * bands,
		pixels_width, pixels_height, bands, VIPS_FORMAT_UCHAR);
	if (!raw)
		return -1;
	raw->Type = VIPS_INTERPRETATION_sRGB;
	vips_image_set_int(raw, VIPS_META_ORIENTATION, orientation);
	gboolean turned = vips_image_get_orientation_swap(raw);
	converter c = { NULL, NULL, NULL };
	int failed = copy_profile(file, len, raw, &tagged);
	if (!failed) {
		c = find_converter(tagged, colors, p3);
		failed = presize_scale(tagged, &scaled, turned ? height : width, turned ? width : height, FALSE, c.from, c.to);
	}
	g_clear_object(&tagged);
	g_object_unref(raw);
	return failed ? -1 : finish(scaled, c.tables, threads, out);
}
