#include "codecs.h"
#include "av1.h"
#include "hevc.h"
#include "holes.h"
#include <libheif/heif_plugin.h>
#include <vips/vips.h>

typedef struct {
	heif_compression_format format;
	GByteArray *data;
	uint64_t most_pixels; // that the image may have, 0 for any number
} decoder;

static const heif_error fine = { heif_error_Ok, heif_suberror_Unspecified, "" };
static const heif_error broken = { heif_error_Decoder_plugin_error, heif_suberror_Unspecified, "the coded image is damaged" };
static const heif_error unknown_kind = { heif_error_Unsupported_feature, heif_suberror_Unsupported_codec, "a kind of JPEG that can't be read" };
static const heif_error too_large = { heif_error_Memory_allocation_error, heif_suberror_Security_limit_exceeded, "the coded image is larger than its container says" };

static const char *
name(void)
{
	return "libvips";
}

static int
supports(heif_compression_format format)
{
	return format == heif_compression_AV1 || format == heif_compression_JPEG ? 100 : 0;
}

static int
supports_kind(const heif_decoder_plugin_compressed_format_description *kind)
{
	return supports(kind->format);
}

static heif_error
new_decoder(void **out, const heif_decoder_plugin_options *options)
{
	decoder *d = g_new0(decoder, 1);
	d->format = options->format;
	d->data = g_byte_array_new();
	d->most_pixels = options->limits ? options->limits->max_image_size_pixels : 0;
	*out = d;
	return fine;
}

// new_unlimited is not called by a libheif that knows new_decoder, but has to be there.
static heif_error
new_unlimited(void **out)
{
	heif_decoder_plugin_options options = { .format = heif_compression_AV1 };
	return new_decoder(out, &options);
}

static void
free_decoder(void *a)
{
	decoder *d = a;
	g_byte_array_unref(d->data);
	g_free(d);
}

static heif_error
push(void *a, const void *data, size_t size, uintptr_t user_data)
{
	decoder *d = a;
	if (size > G_MAXUINT32 - d->data->len)
		return too_large;
	g_byte_array_append(d->data, data, (guint) size);
	return fine;
}

static heif_error
flush(void *a)
{
	return fine;
}

// read_av1 reads an AV1 image through the loader for AVIF. It asks for no conversion of colours: with the
// identity as their matrix, in full range, the samples Y, Cb and Cr come as green, blue and red.
static VipsImage *
read_av1(const decoder *d, const PresizeAV1 *av1, GByteArray *file)
{
	presize_av1_file(av1, d->data->data, d->data->len, file);
	return vips_image_new_from_buffer(file->data, file->len, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
}

// is_common_jpeg tells whether the frame header of a JPEG (ITU-T T.81 §B.2.2) is for Huffman-coded samples of 8 bits,
// in grey or colour. What is no JPEG passes: it is damaged.
static gboolean
is_common_jpeg(const uint8_t *file, size_t size)
{
	for (size_t at = 2; at + 10 <= size && file[at] == 0xff; at += 2 + (file[at + 2] << 8 | file[at + 3])) {
		uint8_t marker = file[at + 1], precision = file[at + 4], components = file[at + 9];
		if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
			return marker <= 0xc2 && precision == 8 && (components == 1 || components == 3);
	}
	return TRUE;
}

static VipsImage *
read_jpeg(const decoder *d)
{
	const char *loader = vips_foreign_find_load_buffer(d->data->data, d->data->len);
	if (!loader || strcmp(loader, "VipsForeignLoadJpegBuffer"))
		return NULL;
	return vips_image_new_from_buffer(d->data->data, d->data->len, "fail_on=warning", "access", VIPS_ACCESS_SEQUENTIAL, NULL);
}

static const heif_channel av1_planes[] = { heif_channel_Cr, heif_channel_Y, heif_channel_Cb };
static const heif_channel rgb_planes[] = { heif_channel_R, heif_channel_G, heif_channel_B };

// target is a decoded image that gets its planes row by row.
typedef struct {
	uint8_t *plane[3];
	size_t stride[3];
	int shift; // from the values of libvips to those of the samples
} target;

static int
store(VipsRegion *region, VipsRect *area, void *a)
{
	const target *t = a;
	int bands = region->im->Bands;
	for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++)
		for (int band = 0; band < 3; band++) {
			if (!t->plane[band])
				continue;
			uint8_t *out = t->plane[band] + (size_t) y * t->stride[band];
			const VipsPel *in = VIPS_REGION_ADDR(region, area->left, y);
			int from = bands < 3 ? 0 : band;
			if (region->im->BandFmt == VIPS_FORMAT_USHORT)
				for (int x = 0; x < area->width; x++)
					((uint16_t *) out)[area->left + x] = ((const uint16_t *) in)[x * bands + from] >> t->shift;
			else
				for (int x = 0; x < area->width; x++)
					out[area->left + x] = in[x * bands + from];
		}
	return 0;
}

// take_planes decodes an image into planes of libheif.
static heif_error
take_planes(VipsImage *in, const heif_channel *channels, int mono, int bits, heif_image *image, const heif_security_limits *limits)
{
	target t = { .shift = 16 - bits };
	for (int band = 0; band < 3; band++) {
		if (mono && channels[band] != heif_channel_Y)
			continue;
		heif_error error = heif_image_add_plane_safe(image, channels[band], in->Xsize, in->Ysize, bits, limits);
		if (error.code != heif_error_Ok)
			return error;
		t.plane[band] = heif_image_get_plane2(image, channels[band], &t.stride[band]);
	}
	return vips_sink_disc(in, store, &t) ? broken : fine;
}

void
presize_codecs_describe(heif_image *image, int primaries, int transfer, int matrix, int full)
{
	enum { unspecified = 2, bt601 = 6 };
	heif_color_profile_nclx *nclx = heif_nclx_color_profile_alloc();
	nclx->color_primaries = primaries;
	nclx->transfer_characteristics = transfer;
	// libheif drops the range where all three code points are unspecified. Matrices that are count as this one.
	nclx->matrix_coefficients = matrix == unspecified ? bt601 : matrix;
	nclx->full_range_flag = full;
	heif_image_set_nclx_color_profile(image, nclx);
	heif_nclx_color_profile_free(nclx);
}

static heif_error
decode(void *a, heif_image **out, uintptr_t *user_data, const heif_security_limits *limits)
{
	decoder *d = a;
	*out = NULL;
	if (d->data->len == 0) // the image has been handed out already
		return fine;
	PresizeAV1 av1 = { .bits = 8 };
	gboolean is_av1 = d->format == heif_compression_AV1;
	if (!is_av1 && !is_common_jpeg(d->data->data, d->data->len))
		return unknown_kind;
	if (is_av1 && presize_av1_read(d->data->data, d->data->len, &av1))
		return broken;
	if (is_av1 && d->most_pixels && (uint64_t) av1.width * av1.height > d->most_pixels)
		return too_large;
	GByteArray *file = g_byte_array_new();
	VipsImage *in = is_av1 ? read_av1(d, &av1, file) : read_jpeg(d);
	heif_error error = broken;
	if (in && d->most_pixels && (uint64_t) in->Xsize * in->Ysize > d->most_pixels)
		error = too_large;
	else if (in && (in->BandFmt == VIPS_FORMAT_USHORT) == (av1.bits > 8) && in->Bands != 2 && in->Bands != 4) {
		error = heif_image_create(in->Xsize, in->Ysize,
			av1.mono ? heif_colorspace_monochrome : is_av1 ? heif_colorspace_YCbCr : heif_colorspace_RGB,
			av1.mono ? heif_chroma_monochrome : heif_chroma_444, out);
		if (error.code == heif_error_Ok)
			error = take_planes(in, is_av1 ? av1_planes : rgb_planes, av1.mono, av1.bits, *out, limits);
	}
	if (error.code == heif_error_Ok && is_av1)
		presize_codecs_describe(*out, av1.primaries, av1.transfer, av1.matrix, av1.full);
	if (error.code != heif_error_Ok) {
		heif_image_release(*out);
		*out = NULL;
	}
	g_clear_object(&in);
	g_byte_array_unref(file);
	g_byte_array_set_size(d->data, 0);
	vips_thread_shutdown(); // libheif decodes in threads of its own
	return error;
}

int
presize_codecs_register(void)
{
	static const heif_decoder_plugin plugin = {
		.plugin_api_version = 6,
		.get_plugin_name = name,
		.does_support_format = supports,
		.new_decoder = new_unlimited,
		.free_decoder = free_decoder,
		.id_name = "libvips",
		.minimum_required_libheif_version = LIBHEIF_MAKE_VERSION(1, 22, 0),
		.does_support_format2 = supports_kind,
		.new_decoder2 = new_decoder,
		.push_data2 = push,
		.flush_data = flush,
		.decode_next_image2 = decode,
	};
	presize_mark_images();
	heif_error error = heif_register_decoder_plugin(&presize_hevc);
	if (error.code == heif_error_Ok)
		error = heif_register_decoder_plugin(&plugin);
	return error.code == heif_error_Ok ? 0 : -1;
}
