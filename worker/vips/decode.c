#include "decode.h"

int
presize_header(const void *buf, size_t len, const char *loader, PresizeHeader *header, PresizeICC *icc)
{
	const char *found = vips_foreign_find_load_buffer(buf, len);
	if (!found || strcmp(found, loader)) {
		VipsOperationClass *class = g_type_class_peek(g_type_from_name(loader));
		if (class && !(class->flags & VIPS_OPERATION_BLOCKED))
			vips_error(loader, "the file is not of its format");
		return -1;
	}
	VipsImage *image = vips_image_new_from_buffer(buf, len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (!image)
		return -1;
	header->width = vips_image_get_width(image);
	header->height = vips_image_get_height(image);
	header->orientation = vips_image_get_orientation(image);
	header->pages = vips_image_get_n_pages(image);
	header->pixel = VIPS_IMAGE_SIZEOF_PEL(image);
	header->alpha = vips_image_hasalpha(image);
	header->inks = vips_image_get_interpretation(image) == VIPS_INTERPRETATION_CMYK;
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
load(const void *buf, size_t len, const PresizeHeader *header, int width, int height, const char *options)
{
	char all[128], number[G_ASCII_DTOSTR_BUF_SIZE];
	double shrink = preshrink(header, width, height);
	if (shrink == 1)
		return vips_image_new_from_buffer(buf, len, options, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
	if (header->smaller == PRESIZE_SMALLER_JPEG)
		g_snprintf(all, sizeof all, "%s,shrink=%d", options, (int) shrink);
	else
		g_snprintf(all, sizeof all, "%s,scale=%s", options, g_ascii_dtostr(number, sizeof number, 1 / shrink));
	return vips_image_new_from_buffer(buf, len, all, "access", VIPS_ACCESS_SEQUENTIAL, NULL);
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

// pick_bands keeps the bands that hold the colours, and the one that is alpha.
static int
pick_bands(VipsImage *in, const PresizeReading *reading, VipsImage **out)
{
	int kept = reading->bands + (reading->alpha ? 1 : 0);
	if (!reading->bands || in->Bands <= reading->bands || (in->Bands == kept && reading->alpha == 1))
		return vips_copy(in, out, NULL);
	if (!reading->alpha)
		return vips_extract_band(in, out, 0, "n", reading->bands, NULL);
	VipsImage *colours = NULL, *alpha = NULL;
	int failed = vips_extract_band(in, &colours, 0, "n", reading->bands, NULL) ||
		vips_extract_band(in, &alpha, reading->bands + reading->alpha - 1, NULL) ||
		vips_bandjoin2(colours, alpha, out, NULL);
	g_clear_object(&colours);
	g_clear_object(&alpha);
	return failed ? -1 : 0;
}

// read_lab makes CIELAB of bytes: L* from 0 to 100 in the first, a* and b* with a sign in the
// others.
static int
read_lab(VipsImage *in, VipsImage **out)
{
	double up[] = { 0, 128, 128 }, around[] = { 256, 256, 256 };
	double scale[] = { 100. / 255, 1, 1 }, down[] = { 0, -128, -128 };
	VipsImage *t[3] = { NULL };
	double one[] = { 1, 1, 1 };
	int failed = vips_linear(in, &t[0], one, up, 3, NULL) ||
		vips_remainder_const(t[0], &t[1], around, 3, NULL) ||
		vips_linear(t[1], &t[2], scale, down, 3, NULL) ||
		vips_copy(t[2], out, "interpretation", VIPS_INTERPRETATION_LAB, NULL);
	for (int i = 0; i < G_N_ELEMENTS(t); i++)
		g_clear_object(&t[i]);
	return failed ? -1 : 0;
}

// interpret_lab takes CIELAB to sRGB. libvips' own conversion is for a white of D65, where
// files have D50. The profile that may come along is one for editors.
static int
interpret_lab(VipsImage *in, VipsImage **out)
{
	VipsImage *lab = NULL;
	int failed = vips_colourspace(in, &lab, VIPS_INTERPRETATION_LAB, NULL) ||
		vips_icc_export(lab, out, "output_profile", "srgb", NULL);
	g_clear_object(&lab);
	if (failed)
		return -1;
	vips_image_remove(*out, VIPS_META_ICC_NAME);
	return 0;
}

// mix_inks takes CMYK without a profile to RGB as browsers do: each ink takes its part of
// the light, and so does black.
static int
mix_inks(VipsImage *in, VipsImage **out)
{
	double most = in->BandFmt == VIPS_FORMAT_USHORT ? 65535 : 255;
	VipsImage *t[7] = { NULL };
	int failed = vips_invert(in, &t[0], NULL) || // what is left of the light
		vips_extract_band(t[0], &t[1], 0, "n", 3, NULL) ||
		vips_extract_band(t[0], &t[2], 3, NULL) ||
		vips_multiply(t[1], t[2], &t[3], NULL) ||
		vips_linear1(t[3], &t[4], 1 / most, 0, NULL) ||
		vips_rint(t[4], &t[5], NULL) ||
		vips_cast(t[5], &t[6], in->BandFmt, NULL);
	VipsInterpretation rgb = in->BandFmt == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB;
	VipsImage *alpha = NULL, *joined = NULL;
	if (!failed && in->Bands > 4)
		failed = vips_extract_band(in, &alpha, 4, NULL) || vips_bandjoin2(t[6], alpha, &joined, NULL);
	failed = failed || vips_copy(joined ? joined : t[6], out, "interpretation", rgb, NULL);
	for (int i = 0; i < G_N_ELEMENTS(t); i++)
		g_clear_object(&t[i]);
	g_clear_object(&alpha);
	g_clear_object(&joined);
	return failed ? -1 : 0;
}

// interpret makes of an image what its file means by it: the bands that are to be seen,
// with a profile that another part of the file stands for, and in RGB what libvips would take
// for something else.
static int
interpret(VipsImage *in, const PresizeReading *reading, VipsImage **out)
{
	if (reading->lab) {
		VipsImage *lab;
		if (read_lab(in, &lab))
			return -1;
		int failed = interpret_lab(lab, out);
		g_object_unref(lab);
		return failed;
	}
	if (in->Type == VIPS_INTERPRETATION_LABS)
		return interpret_lab(in, out);
	if (reading->tones) {
		VipsImage *rgb;
		if (vips_colourspace(in, &rgb, in->BandFmt == VIPS_FORMAT_USHORT ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, NULL))
			return -1;
		int failed = presize_tone_map(rgb, reading->tones, out);
		g_object_unref(rgb);
		return failed;
	}
	VipsImage *picked;
	if (pick_bands(in, reading, &picked))
		return -1;
	int failed = in->Type == VIPS_INTERPRETATION_CMYK && !vips_image_get_typeof(in, VIPS_META_ICC_NAME)
		? mix_inks(picked, out)
		: vips_copy(picked, out, NULL);
	g_object_unref(picked);
	if (failed)
		return -1;
	if (reading->icc.data)
		vips_image_set_blob_copy(*out, VIPS_META_ICC_NAME, reading->icc.data, reading->icc.len);
	return 0;
}

int
presize_decode(const void *buf, size_t len, const PresizeHeader *header, const PresizeReading *reading, int width, int height,
	int threads, VipsImage **out)
{
	// It is turned at the very end, so that what can be done while the decoder still works is.
	gboolean turned = header->orientation >= 5;
	int stored_width = turned ? height : width, stored_height = turned ? width : height;
	VipsImage *in = load(buf, len, header, stored_width, stored_height, reading->options);
	if (!in)
		return -1;
	if (reading->bare)
		vips_image_remove(in, VIPS_META_ICC_NAME);
	VipsImage *meant, *scaled = NULL;
	if (interpret(in, reading, &meant)) {
		g_object_unref(in);
		return -1;
	}
	converter c = find_converter(meant, reading->colors);
	int failed = presize_scale(meant, &scaled, stored_width, stored_height, FALSE, c.to);
	g_object_unref(meant);
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
