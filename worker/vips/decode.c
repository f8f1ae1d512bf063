#include "decode.h"

int
presize_header(const void *buf, size_t len, const char *loader, PresizeHeader *header, PresizeICC *icc)
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
	header->smaller = vips_image_hasalpha(image) ? 0
		: !strcmp(loader, "VipsForeignLoadJpegBuffer") ? PRESIZE_SMALLER_JPEG
		: !strcmp(loader, "VipsForeignLoadWebpBuffer") ? PRESIZE_SMALLER_WEBP : 0;
	const void *profile;
	int failed = (vips_image_get_typeof(image, "interlaced") && vips_image_get_int(image, "interlaced", &header->interlaced)) ||
		(vips_image_get_typeof(image, VIPS_META_ICC_NAME) && vips_image_get_blob(image, VIPS_META_ICC_NAME, &profile, &icc->len));
	if (!failed && vips_image_get_typeof(image, VIPS_META_ICC_NAME))
		icc->data = g_memdup2(profile, icc->len);
	g_object_unref(image);
	return failed ? -1 : 0;
}

// preshrink is by how much a loader may make an image smaller, as vips_thumbnail does it: of a JPEG by
// powers of two, with a factor of two left for a better filter. libwebp scales lossy colours without regard
// to alpha; of other formats it is the thumbnail in an AVIF or another page of a TIFF, whatever these show.
static double
preshrink(const PresizeHeader *header, int width, int height)
{
	double shrink = MIN((double) header->width / width, (double) header->height / height);
	switch (header->smaller) {
	case PRESIZE_SMALLER_JPEG:
		return shrink >= 16 ? 8 : shrink >= 8 ? 4 : shrink >= 4 ? 2 : 1;
	case PRESIZE_SMALLER_WEBP:
		return MAX(shrink, 1);
	default:
		return 1;
	}
}

// load opens an encoded image, in a smaller size where that is as good.
static VipsImage *
load(const void *buf, size_t len, const PresizeHeader *header, int width, int height, int lenient)
{
	char options[128], number[G_ASCII_DTOSTR_BUF_SIZE];
	const char *fail_on = lenient ? "error" : "warning";
	double shrink = preshrink(header, width, height);
	// The operation's own fail_on does not reach every loader; the loader's option does.
	if (shrink == 1)
		g_snprintf(options, sizeof options, "fail_on=%s", fail_on);
	else if (header->smaller == PRESIZE_SMALLER_JPEG)
		g_snprintf(options, sizeof options, "fail_on=%s,shrink=%d", fail_on, (int) shrink);
	else
		g_snprintf(options, sizeof options, "fail_on=%s,scale=%s", fail_on, g_ascii_dtostr(number, sizeof number, 1 / shrink));
	return vips_image_new_from_buffer(buf, len, options, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
}

// converter says how an image gets from its colours to sRGB: by the tables, if there are any
// for it, or by libvips, from its own profile to another. Both NULL is not at all: libvips
// would go from sRGB through XYZ back to sRGB, slowly.
typedef struct {
	const PresizeColors *tables;
	const char *to;
} converter;

static converter
find_converter(VipsImage *in, const PresizeColors *colors)
{
	converter c = { NULL, NULL };
	if (colors && in->BandFmt == VIPS_FORMAT_UCHAR && in->Bands >= 3 && in->Type == VIPS_INTERPRETATION_sRGB)
		c.tables = colors;
	else if (vips_image_get_typeof(in, VIPS_META_ICC_NAME))
		c.to = "srgb";
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
presize_decode(const void *buf, size_t len, const PresizeHeader *header, const PresizeColors *colors, int width, int height,
	int lenient, int threads, VipsImage **out)
{
	// It is turned at the very end, so that what can be done while the decoder still works is.
	gboolean turned = header->orientation >= 5;
	int stored_width = turned ? height : width, stored_height = turned ? width : height;
	VipsImage *in = load(buf, len, header, stored_width, stored_height, lenient);
	if (!in)
		return -1;
	converter c = find_converter(in, colors);
	VipsImage *scaled;
	int failed = presize_scale(in, &scaled, stored_width, stored_height, FALSE, c.to);
	g_object_unref(in);
	return failed ? -1 : finish(scaled, c.tables, threads, out);
}

int
presize_decode_heif(const PresizeHEIF *heif, const PresizeMatrix *matrix, const PresizeHDR *tones, const PresizeColors *colors,
	PresizeICC icc, int width, int height, int threads, VipsImage **out)
{
	VipsImage *rgb, *sdr, *scaled = NULL;
	if (presize_heif_image(heif, matrix, &rgb))
		return -1;
	if (tones) {
		if (presize_tone_map(rgb, tones, &sdr)) {
			g_object_unref(rgb);
			return -1;
		}
		g_object_unref(rgb);
		rgb = sdr;
	}
	if (icc.data)
		vips_image_set_blob_copy(rgb, VIPS_META_ICC_NAME, icc.data, icc.len);
	gboolean turned = vips_image_get_orientation_swap(rgb);
	converter c = find_converter(rgb, colors);
	int failed = presize_scale(rgb, &scaled, turned ? height : width, turned ? width : height, FALSE, c.to);
	g_object_unref(rgb);
	return failed ? -1 : finish(scaled, c.tables, threads, out);
}
