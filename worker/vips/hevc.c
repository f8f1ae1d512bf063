#include "hevc.h"
#include "codecs.h"
#include <glib.h>
#include <string.h>

// What of libde265's interface is used here (libde265/de265.h of 1.1.0); its wheel has no headers.
typedef struct de265_image de265_image;
typedef struct {
	uint8_t version;
	uint32_t max_image_size_pixels;
	uint32_t max_NAL_size_bytes;
	uint32_t max_SEI_messages;
} de265_security_limits;

void *de265_new_decoder(void);
int de265_free_decoder(void *context);
int de265_start_worker_threads(void *context, int threads);
de265_security_limits *de265_get_security_limits(void *context);
int de265_push_NAL(void *context, const void *data, int length, int64_t pts, void *user_data);
int de265_flush_data(void *context);
int de265_decode(void *context, int *more);
int de265_get_warning(void *context);
const char *de265_get_error_text(int error);
const de265_image *de265_get_next_picture(void *context);
void de265_release_next_picture(void *context);
int de265_get_image_width(const de265_image *image, int channel);
int de265_get_image_height(const de265_image *image, int channel);
int de265_get_chroma_format(const de265_image *image);
int de265_get_bits_per_pixel(const de265_image *image, int channel);
const uint8_t *de265_get_image_plane(const de265_image *image, int channel, int *stride);
int de265_get_image_full_range_flag(const de265_image *image);
int de265_get_image_colour_primaries(const de265_image *image);
int de265_get_image_transfer_characteristics(const de265_image *image);
int de265_get_image_matrix_coefficients(const de265_image *image);

enum {
	out_of_memory = 7,
	no_wpp = 1000, // the image can't be decoded by several threads
	threads_limited = 1022,
	sao_out_of_memory = 1024,
	too_many_sei = 1036,
};

static const heif_error fine = { heif_error_Ok, heif_suberror_Unspecified, "" };

static heif_error
fault(int error)
{
	heif_error out = { heif_error_Decoder_plugin_error, heif_suberror_Unspecified, de265_get_error_text(error) };
	if (error == out_of_memory || error == sao_out_of_memory)
		out.code = heif_error_Memory_allocation_error;
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
		return fault(out_of_memory);
	if (options->limits)
		de265_get_security_limits(context)->max_image_size_pixels =
			MIN(options->limits->max_image_size_pixels, G_MAXUINT32);
	if (options->num_threads > 1) // beside the thread that calls
		de265_start_worker_threads(context, options->num_threads);
	*out = context;
	return fine;
}

static heif_error
new_unlimited(void **out)
{
	heif_decoder_plugin_options options = { .format = heif_compression_HEVC };
	return new_decoder(out, &options);
}

static void
free_decoder(void *context)
{
	de265_free_decoder(context);
}

// push takes NAL units with their lengths before them (ISO/IEC 14496-15 §4.3.3), of 4 bytes each.
static heif_error
push(void *context, const void *data, size_t size, uintptr_t user_data)
{
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
		int error = de265_push_NAL(context, at, (int) length, 0, (void *) user_data);
		if (error && error < no_wpp)
			return fault(error);
		at += length;
	}
	return fine;
}

static heif_error
flush(void *context)
{
	de265_flush_data(context);
	return fine;
}

// first_warning is the first of libde265's warnings that means damage, or 0.
static int
first_warning(void *context)
{
	for (;;) {
		int warning = de265_get_warning(context);
		if (warning != no_wpp && warning != threads_limited && warning != too_many_sei)
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
copy_image(const de265_image *in, heif_image **out, const heif_security_limits *limits)
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
	presize_codecs_describe(*out, de265_get_image_colour_primaries(in), de265_get_image_transfer_characteristics(in),
		de265_get_image_matrix_coefficients(in), de265_get_image_full_range_flag(in));
	return fine;
}

static heif_error
decode(void *context, heif_image **out, uintptr_t *user_data, const heif_security_limits *limits)
{
	*out = NULL;
	for (int more = 1; more;) {
		int error = de265_decode(context, &more);
		if (error)
			return error == 13 ? fine : fault(error);
		int warning = first_warning(context);
		if (warning)
			return fault(warning);
		const de265_image *image = de265_get_next_picture(context);
		if (image) {
			heif_error copied = copy_image(image, out, limits);
			de265_release_next_picture(context);
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
