#include "heif.h"
#include "codecs.h"
#include "planes.h"
#include "shown.h"
#include <libheif/heif_items.h>
#include <libheif/heif_properties.h>
#include <libheif/heif_sequences.h>
#include <libheif/heif_tiling.h>

struct PresizeHEIF {
	heif_context *context;
	heif_image_handle *primary; // NULL where there is only a track
	heif_track *track;
	PresizeHEIFHeader header;
	heif_image *image; // once it is decoded

	// What is to be done to the decoded image. libheif does it where that depends on more
	// than the primary item: then the image is upright already.
	int upright;
	PresizeShown shown;
};

static const int most_links = 8; // how far an image may be derived from others

static int
fail(PresizeFault *fault, heif_error error)
{
	if (error.code == heif_error_Ok)
		return 0;
	fault->code = error.code;
	fault->subcode = error.subcode;
	g_strlcpy(fault->message, error.message ? error.message : "", sizeof fault->message);
	return -1;
}

int
presize_heif_start(void)
{
	heif_error error = heif_init(NULL);
	return error.code == heif_error_Ok ? presize_codecs_register() : -1;
}

// first_source finds the first image that an item is derived from (ISO/IEC 23008-12 §6.4.4),
// and how many there are.
static int
first_source(const heif_context *context, heif_item_id item, heif_item_id *source)
{
	heif_item_id *found;
	uint32_t kind;
	for (int i = 0;; i++) {
		size_t count = heif_context_get_item_references(context, item, i, &kind, &found);
		if (count == 0)
			return 0;
		*source = found[0];
		heif_release_item_references(context, &found);
		if (kind == heif_fourcc('d', 'i', 'm', 'g'))
			return (int) count;
	}
}

static gboolean
coded(const heif_context *context, heif_item_id item)
{
	heif_item_id source;
	return first_source(context, item, &source) == 0;
}

// turned_at_once tells whether all that is to be turned or cropped is the image as a whole.
static gboolean
turned_at_once(const heif_context *context, heif_item_id item)
{
	if (heif_item_get_item_type(context, item) != heif_fourcc('g', 'r', 'i', 'd'))
		return coded(context, item);
	heif_item_id *tiles;
	uint32_t kind;
	gboolean all = TRUE;
	for (int i = 0;; i++) {
		size_t count = heif_context_get_item_references(context, item, i, &kind, &tiles);
		if (count == 0)
			return all;
		for (size_t tile = 0; tile < count && kind == heif_fourcc('d', 'i', 'm', 'g'); tile++)
			all = all && coded(context, tiles[tile]) &&
				heif_item_get_transformation_properties(context, tiles[tile], NULL, 0) == 0;
		heif_release_item_references(context, &tiles);
	}
}

static void
read_primary(PresizeHEIF *heif)
{
	PresizeHEIFHeader *header = &heif->header;
	heif_item_id item = heif_image_handle_get_item_id(heif->primary);
	heif->upright = !turned_at_once(heif->context, item);
	header->stored_width = heif->upright ? heif_image_handle_get_width(heif->primary) : heif_image_handle_get_ispe_width(heif->primary);
	header->stored_height = heif->upright ? heif_image_handle_get_height(heif->primary) : heif_image_handle_get_ispe_height(heif->primary);
	heif->shown = (PresizeShown) { 0, 0, header->stored_width, header->stored_height, 1 };
	if (!heif->upright)
		presize_shown_read(heif->context, item, &heif->shown);
	header->bits = heif_image_handle_get_luma_bits_per_pixel(heif->primary);
	header->bands = 3 + (heif_image_handle_has_alpha_channel(heif->primary) != 0);
	heif_image_tiling tiling = { .version = 1 };
	heif_error error = heif_image_handle_get_image_tiling(heif->primary, FALSE, &tiling);
	header->tiles = error.code == heif_error_Ok ? MAX(tiling.num_columns * tiling.num_rows, 1) : 1;
}

// read_track takes the first frame of a sequence without a still image.
static int
read_track(PresizeHEIF *heif, PresizeFault *fault)
{
	PresizeHEIFHeader *header = &heif->header;
	uint16_t width, height;
	if (fail(fault, heif_track_get_image_resolution(heif->track, &width, &height)))
		return -1;
	header->stored_width = width;
	header->stored_height = height;
	heif->shown = (PresizeShown) { 0, 0, width, height, 1 };
	header->bits = 8;
	header->bands = 3 + (heif_track_has_alpha_channel(heif->track) != 0);
	header->tiles = 1;
	return 0;
}

// limit sets how much libheif may be made to do by a file. Beside pixels these are
// numbers of entries, which the size of the file bounds too.
static void
limit(heif_context *context, uint64_t pixels)
{
	heif_security_limits *limits = heif_context_get_security_limits(context);
	limits->max_image_size_pixels = pixels;
	limits->max_number_of_tiles = limits->max_items = limits->max_children_per_box = 1 << 16;
	limits->max_total_memory = pixels == 0 ? 1 << 30 : (1 << 30) + 16 * pixels;
}

int
presize_heif_open(const void *buf, size_t len, PresizeHEIF **out, PresizeHEIFHeader *header, PresizeFault *fault)
{
	PresizeHEIF *heif = g_new0(PresizeHEIF, 1);
	heif->context = heif_context_alloc();
	limit(heif->context, 0); // an image that is too large is to be told by its size
	int failed = fail(fault, heif_context_read_from_memory_without_copy(heif->context, buf, len, NULL));
	if (!failed) {
		failed = fail(fault, heif_context_get_primary_image_handle(heif->context, &heif->primary));
		if (!failed)
			read_primary(heif);
		else if (heif_context_has_sequence(heif->context) && (heif->track = heif_context_get_track(heif->context, 0)))
			failed = read_track(heif, fault);
	}
	if (failed) {
		presize_heif_close(heif);
		return -1;
	}
	const PresizeShown *shown = &heif->shown;
	if (shown->left < 0 || shown->top < 0 || shown->width < 1 || shown->height < 1) {
		presize_heif_close(heif);
		heif_error nothing = { heif_error_Invalid_input, heif_suberror_Invalid_clean_aperture, "nothing of the image is to be seen" };
		return fail(fault, nothing);
	}
	gboolean swap = shown->orientation >= 5;
	heif->header.width = swap ? shown->height : shown->width;
	heif->header.height = swap ? shown->width : shown->height;
	*header = heif->header;
	*out = heif;
	return 0;
}

void
presize_heif_forget(PresizeHEIF *heif)
{
	heif_image_release(heif->image);
	heif->image = NULL;
}

void
presize_heif_close(PresizeHEIF *heif)
{
	heif_image_release(heif->image);
	heif_image_handle_release(heif->primary);
	heif_track_release(heif->track);
	heif_context_free(heif->context);
	g_free(heif);
}

// profile_of is the ICC profile of one item.
static void *
profile_of(heif_context *context, heif_item_id item, size_t *len)
{
	heif_image_handle *handle;
	heif_error error = heif_context_get_image_handle(context, item, &handle);
	if (error.code != heif_error_Ok)
		return NULL;
	void *profile = NULL;
	*len = heif_image_handle_get_raw_color_profile_size(handle);
	if (*len > 0) {
		profile = g_malloc(*len);
		error = heif_image_handle_get_raw_color_profile(handle, profile);
		if (error.code != heif_error_Ok)
			g_clear_pointer(&profile, g_free);
	}
	heif_image_handle_release(handle);
	return profile;
}

void *
presize_heif_profile(const PresizeHEIF *heif, size_t *len)
{
	if (!heif->primary)
		return NULL;
	heif_item_id item = heif_image_handle_get_item_id(heif->primary);
	for (int link = 0; link < most_links; link++) {
		void *profile = profile_of(heif->context, item, len);
		if (profile || first_source(heif->context, item, &item) == 0)
			return profile;
	}
	return NULL;
}

static int
wrong_size(PresizeFault *fault)
{
	heif_error error = { heif_error_Invalid_input, heif_suberror_Invalid_image_size, "the decoded image has another size than its header promises" };
	return fail(fault, error);
}

int
presize_heif_decode(PresizeHEIF *heif, int threads, PresizeSamples *samples, PresizeFault *fault)
{
	const PresizeHEIFHeader *header = &heif->header;
	// A codec rounds up to whole blocks, of 64 samples at most.
	limit(heif->context, (uint64_t) (header->stored_width + 64) * (header->stored_height + 64));
	heif_context_set_max_decoding_threads(heif->context, threads);
	presize_heif_forget(heif);
	heif_decoding_options *options = heif_decoding_options_alloc();
	options->ignore_transformations = !heif->upright;
	options->strict_decoding = TRUE;
	options->output_image_nclx_profile_passthrough = TRUE; // or it would convert what is 4:4:4
	options->num_codec_threads = header->tiles > 1 ? 1 : threads;
	int failed = fail(fault, heif->primary ?
		heif_decode_image(heif->primary, &heif->image, heif_colorspace_undefined, heif_chroma_undefined, options) :
		heif_track_decode_next_image(heif->track, &heif->image, heif_colorspace_undefined, heif_chroma_undefined, options));
	heif_decoding_options_free(options);
	if (failed)
		return -1;
	if (heif_image_get_primary_width(heif->image) != header->stored_width ||
		heif_image_get_primary_height(heif->image) != header->stored_height)
		return wrong_size(fault);
	return presize_planes_samples(heif->image, samples, fault);
}

int
presize_heif_image(const PresizeHEIF *heif, const PresizeMatrix *matrix, VipsImage **out)
{
	VipsImage *whole;
	if (presize_planes_image(heif->image, matrix, &whole))
		return -1;
	const PresizeShown *shown = &heif->shown;
	int failed = vips_extract_area(whole, out, shown->left, shown->top, shown->width, shown->height, NULL);
	g_object_unref(whole);
	if (!failed)
		vips_image_set_int(*out, VIPS_META_ORIENTATION, shown->orientation);
	return failed;
}
