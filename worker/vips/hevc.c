#include "hevc.h"
#include "codecs.h"
#include "de265.h"
#include "holes.h"
#include "sequence.h"
#include <glib.h>
#include <string.h>

typedef struct {
	void *context; // of libde265
	PresizeSequence sequence;
} decoder;

static const heif_error fine = { heif_error_Ok, heif_suberror_Unspecified, "" };
static const heif_error hole = { heif_error_Decoder_plugin_error, heif_suberror_Unspecified, "a part of the image is missing" };

// fault is an error of libde265's as one of libheif's: what is not the file's fault has a code of its own.
static heif_error
fault(int error)
{
	heif_error out = { heif_error_Decoder_plugin_error, heif_suberror_Unspecified, de265_get_error_text(error) };
	switch (error) {
	case de265_out_of_memory:
	case de265_sao_out_of_memory:
	case de265_image_buffer_full:
	case de265_no_threads:
	case de265_initialization_failed:
	case de265_not_initialized:
		out.code = heif_error_Memory_allocation_error;
		break;
	case de265_not_implemented:
		out.code = heif_error_Unsupported_feature;
		break;
	}
	return out;
}

static const char *
name(void)
{
	return "libde265";
}

static int
supports(heif_compression_format format)
{
	return format == heif_compression_HEVC ? 1000 : 0;
}

static int
supports_kind(const heif_decoder_plugin_compressed_format_description *kind)
{
	return supports(kind->format);
}

static heif_error
new_decoder(void **out, const heif_decoder_plugin_options *options)
{
	void *context = de265_new_decoder();
	if (!context)
		return fault(de265_out_of_memory);
	if (options->limits)
		de265_get_security_limits(context)->max_image_size_pixels =
			MIN(options->limits->max_image_size_pixels, G_MAXUINT32);
	if (options->num_threads > 1) // beside the thread that calls
		de265_start_worker_threads(context, options->num_threads);
	decoder *d = g_new(decoder, 1);
	*d = (decoder) { context, { 2, 2, 2, 0 } };
	*out = d;
	return fine;
}

static heif_error
new_unlimited(void **out)
{
	heif_decoder_plugin_options options = { .format = heif_compression_HEVC };
	return new_decoder(out, &options);
}

static void
free_decoder(void *a)
{
	decoder *d = a;
	de265_free_decoder(d->context);
	g_free(d);
}

// push takes NAL units with their lengths before them (ISO/IEC 14496-15 §4.3.3), of 4 bytes each.
static heif_error
push(void *a, const void *data, size_t size, uintptr_t user_data)
{
	decoder *d = a;
	const uint8_t *at = data, *end = at + size;
	while (at < end) {
		uint32_t length;
		if ((size_t) (end - at) < sizeof length)
			return (heif_error) { heif_error_Decoder_plugin_error, heif_suberror_End_of_data, "a NAL unit is cut off" };
		memcpy(&length, at, sizeof length);
		length = GUINT32_FROM_BE(length);
		at += sizeof length;
		if (length > (size_t) (end - at))
			return (heif_error) { heif_error_Decoder_plugin_error, heif_suberror_End_of_data, "a NAL unit is cut off" };
		presize_sequence_read(at, length, &d->sequence);
		int error = de265_push_NAL(d->context, at, (int) length, 0, (void *) user_data);
		if (error && error < de265_no_wpp)
			return fault(error);
		at += length;
	}
	return fine;
}

static heif_error
flush(void *a)
{
	decoder *d = a;
	de265_flush_data(d->context);
	return fine;
}

// first_warning is the first of libde265's warnings that means damage, or 0.
static int
first_warning(void *context)
{
	for (;;) {
		int warning = de265_get_warning(context);
		if (warning != de265_no_wpp && warning != de265_threads_limited && warning != de265_too_many_sei)
			return warning;
	}
}

static heif_error
copy_planes(const de265_image *in, heif_image *out, const heif_security_limits *limits)
{
	static const heif_channel channels[] = { heif_channel_Y, heif_channel_Cb, heif_channel_Cr };
	int planes = de265_get_chroma_format(in) == heif_chroma_monochrome ? 1 : 3;
	for (int i = 0; i < planes; i++) {
		int width = de265_get_image_width(in, i), height = de265_get_image_height(in, i);
		int bits = de265_get_bits_per_pixel(in, i), from_stride;
		heif_error error = heif_image_add_plane_safe(out, channels[i], width, height, bits, limits);
		if (error.code != heif_error_Ok)
			return error;
		size_t to_stride;
		uint8_t *to = heif_image_get_plane2(out, channels[i], &to_stride);
		const uint8_t *from = de265_get_image_plane(in, i, &from_stride);
		for (int y = 0; y < height; y++)
			memcpy(to + y * to_stride, from + (size_t) y * from_stride, (size_t) width * (bits > 8 ? 2 : 1));
	}
	return fine;
}

static heif_error
copy_image(const de265_image *in, const PresizeSequence *sequence, heif_image **out, const heif_security_limits *limits)
{
	heif_chroma chroma = (heif_chroma) de265_get_chroma_format(in); // the numbers are the same
	heif_error error = heif_image_create(de265_get_image_width(in, 0), de265_get_image_height(in, 0),
		chroma == heif_chroma_monochrome ? heif_colorspace_monochrome : heif_colorspace_YCbCr, chroma, out);
	if (error.code != heif_error_Ok)
		return error;
	error = copy_planes(in, *out, limits);
	if (error.code != heif_error_Ok) {
		heif_image_release(*out);
		*out = NULL;
		return error;
	}
	presize_codecs_describe(*out, sequence->primaries, sequence->transfer, sequence->matrix, sequence->full);
	return fine;
}

static heif_error
decode(void *a, heif_image **out, uintptr_t *user_data, const heif_security_limits *limits)
{
	decoder *d = a;
	*out = NULL;
	for (int more = 1; more;) {
		int error = de265_decode(d->context, &more);
		if (error)
			return error == de265_waiting_for_data ? fine : fault(error);
		int warning = first_warning(d->context);
		if (warning)
			return fault(warning);
		const de265_image *image = de265_get_next_picture(d->context);
		if (image) {
			heif_error copied = presize_has_hole(image) ? hole : copy_image(image, &d->sequence, out, limits);
			de265_release_next_picture(d->context);
			return copied;
		}
	}
	return fine;
}

const heif_decoder_plugin presize_hevc = {
	.plugin_api_version = 6,
	.get_plugin_name = name,
	.does_support_format = supports,
	.new_decoder = new_unlimited,
	.free_decoder = free_decoder,
	.id_name = "presize-libde265",
	.minimum_required_libheif_version = LIBHEIF_MAKE_VERSION(1, 22, 0),
	.does_support_format2 = supports_kind,
	.new_decoder2 = new_decoder,
	.push_data2 = push,
	.flush_data = flush,
	.decode_next_image2 = decode,
};
