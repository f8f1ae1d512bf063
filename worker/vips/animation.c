#include "animation.h"
#include "bridge.h"

// frames is the state of a strip of frames that is made on demand, from the top.
typedef struct {
	const PresizeCut *cut;
	int number; // of the one frame that is in memory; -1 for none
	VipsImage *frame;
} frames;

// read_frame reads a frame from the strip of all, below everything that was read
// before. It has the strip's profile and orientation.
static VipsImage *
read_frame(VipsRegion *strip, int number)
{
	int height = vips_image_get_page_height(strip->im);
	VipsImage *frame = vips_image_new_memory();
	int failed = vips_image_pipelinev(frame, VIPS_DEMAND_STYLE_ANY, strip->im, NULL);
	frame->Ysize = height;
	for (int y = 0; y < height && !failed; y++) {
		VipsRect row = { 0, number * height + y, frame->Xsize, 1 };
		failed = vips_region_prepare(strip, &row) ||
			vips_image_write_line(frame, y, VIPS_REGION_ADDR(strip, 0, row.top));
	}
	if (failed)
		g_clear_object(&frame);
	return frame;
}

// cut_frame turns a frame of the original into one of the result.
static VipsImage *
cut_frame(VipsImage *frame, const PresizeCut *cut)
{
	if (cut->bare)
		vips_image_remove(frame, VIPS_META_ICC_NAME);
	// Where there is no profile libvips would convert all the same, and take long.
	const char *profile = vips_image_get_typeof(frame, VIPS_META_ICC_NAME) ? "srgb" : NULL;
	VipsImage *scaled = NULL, *area = NULL, *srgb = NULL, *plain = NULL, *done = NULL;
	if (!presize_scale(frame, &scaled, cut->scaled_width, cut->scaled_height, TRUE, profile) &&
		!vips_extract_area(scaled, &area, cut->left, cut->top, cut->width, cut->height, NULL) &&
		!vips_colourspace(area, &srgb, VIPS_INTERPRETATION_sRGB, NULL) &&
		!vips_cast_uchar(srgb, &plain, NULL)) {
		vips_image_set_int(plain, VIPS_META_CONCURRENCY, 1);
		done = vips_image_copy_memory(plain);
		if (done && cut->mark.image && presize_lay(done, &cut->mark))
			g_clear_object(&done);
	}
	g_clear_object(&scaled);
	g_clear_object(&area);
	g_clear_object(&srgb);
	g_clear_object(&plain);
	return done;
}

// generate makes the rows of the result that are asked for. Each frame is made
// from its own pixels alone: scaling the strip as a whole would be less work here,
// and would mix the rows where two frames meet.
static int
generate(VipsRegion *out, void *strip, void *unused, void *state, gboolean *stop)
{
	frames *f = state;
	for (int y = out->valid.top; y < VIPS_RECT_BOTTOM(&out->valid); y++) {
		if (f->number != y / f->cut->height) {
			g_clear_object(&f->frame);
			f->number = y / f->cut->height;
			VipsImage *whole = read_frame(strip, f->number);
			if (whole) {
				f->frame = cut_frame(whole, f->cut);
				g_object_unref(whole);
			}
		}
		if (!f->frame)
			return -1;
		memcpy(VIPS_REGION_ADDR(out, out->valid.left, y),
			VIPS_IMAGE_ADDR(f->frame, out->valid.left, y % f->cut->height),
			VIPS_REGION_SIZEOF_LINE(out));
	}
	return 0;
}

// skip_delays leaves out the delays of the first frames, which libvips keeps where it
// leaves out the frames.
static int
skip_delays(VipsImage *out, int skip)
{
	int *delays, count;
	if (!skip)
		return 0;
	if (vips_image_get_array_int(out, "delay", &delays, &count) || count <= skip)
		return -1;
	int *kept = g_memdup2(delays + skip, (count - skip) * sizeof(int));
	vips_image_set_array_int(out, "delay", kept, count - skip);
	g_free(kept);
	return 0;
}

// describe makes the header of the result: the strip's, with its delays and loop
// count, for frames of the cut's size.
static int
describe(VipsImage *out, VipsImage *strip, const PresizeCut *cut)
{
	if (vips_image_pipelinev(out, VIPS_DEMAND_STYLE_THINSTRIP, strip, NULL))
		return -1;
	int count = strip->Ysize / vips_image_get_page_height(strip);
	vips_image_init_fields(out, cut->width, cut->height * count, vips_image_hasalpha(strip) ? 4 : 3,
		VIPS_FORMAT_UCHAR, VIPS_CODING_NONE, VIPS_INTERPRETATION_sRGB, 1, 1);
	vips_image_set_int(out, VIPS_META_PAGE_HEIGHT, cut->height);
	vips_image_set_int(out, VIPS_META_CONCURRENCY, 1); // frames are made in their order
	return skip_delays(out, cut->skip);
}

int
presize_animate(const void *buf, size_t len, const PresizeCut *cut, int quality, int effort, int lossless,
	void **out, size_t *out_len)
{
	frames f = { cut, -1, NULL };
	VipsImage *strip = vips_image_new_from_buffer(buf, len, "",
		"access", VIPS_ACCESS_SEQUENTIAL,
		"n", -1,
		"page", cut->skip,
		"fail_on", VIPS_FAIL_ON_WARNING,
		NULL);
	if (!strip)
		return -1;
	VipsImage *result = vips_image_new();
	int failed = describe(result, strip, cut) ||
		vips_image_generate(result, vips_start_one, generate, vips_stop_one, strip, &f) ||
		presize_webp(result, quality, effort, lossless, out, out_len);
	g_object_unref(result);
	g_object_unref(strip);
	g_clear_object(&f.frame);
	return failed ? -1 : 0;
}
