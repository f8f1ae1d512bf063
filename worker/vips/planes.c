// The compiler makes vector code of these loops, which gcc does at -O3 only, and of minimum and maximum only
// where no number is infinite or a negative zero.
#pragma GCC optimize("O3", "finite-math-only", "no-signed-zeros", "no-trapping-math")
#include "planes.h"

// RUN is how many pixels go through each step at a time, all of them in the first cache.
#define RUN 256

typedef struct {
	const uint8_t *data; // NULL for none
	size_t stride;
	int wide; // whether a sample has two bytes
	int right; // columns that share a sample, as a power of two
	int down; // rows
} plane;

typedef struct {
	plane color[3];
	plane alpha;
	float neutral; // what a grey image has in place of chroma
	float alpha_scale;
	int premultiplied;
	PresizeMatrix matrix;
} layout;

static plane
find_plane(const heif_image *image, heif_channel channel, int right, int down)
{
	plane p = { NULL };
	if (!heif_image_has_channel(image, channel))
		return p;
	p.data = heif_image_get_plane_readonly2(image, channel, &p.stride);
	p.wide = heif_image_get_bits_per_pixel_range(image, channel) > 8;
	p.right = right;
	p.down = down;
	return p;
}

static const heif_channel luma[] = { heif_channel_Y, heif_channel_Cb, heif_channel_Cr };
static const heif_channel primary[] = { heif_channel_R, heif_channel_G, heif_channel_B };

// complete tells whether a channel has a sample of so many bits for each pixel, or each group of pixels.
static int
complete(const heif_image *image, heif_channel channel, int right, int down, int bits)
{
	int width = heif_image_get_primary_width(image), height = heif_image_get_primary_height(image);
	return heif_image_has_channel(image, channel) &&
		heif_image_get_width(image, channel) >= (width + right) >> right &&
		heif_image_get_height(image, channel) >= (height + down) >> down &&
		heif_image_get_bits_per_pixel_range(image, channel) == bits;
}

int
presize_planes_samples(const heif_image *image, PresizeSamples *samples, PresizeFault *fault)
{
	heif_chroma chroma = heif_image_get_chroma_format(image);
	int mono = chroma == heif_chroma_monochrome;
	int right = chroma == heif_chroma_420 || chroma == heif_chroma_422, down = chroma == heif_chroma_420;
	samples->mono = mono;
	samples->rgb = heif_image_get_colorspace(image) == heif_colorspace_RGB;
	const heif_channel *channels = samples->rgb ? primary : luma;
	samples->bits = heif_image_get_bits_per_pixel_range(image, channels[0]);
	int known = (mono || right || chroma == heif_chroma_444) && samples->bits >= 8 && samples->bits <= 16 &&
		complete(image, channels[0], 0, 0, samples->bits);
	for (int i = 1; i < 3 && !mono; i++)
		known = known && complete(image, channels[i], right, down, samples->bits);
	if (heif_image_has_channel(image, heif_channel_Alpha)) {
		int bits = heif_image_get_bits_per_pixel_range(image, heif_channel_Alpha);
		known = known && bits <= 16 && complete(image, heif_channel_Alpha, 0, 0, bits);
	}
	if (!known) {
		fault->code = heif_error_Unsupported_feature;
		fault->subcode = heif_suberror_Unsupported_image_type;
		g_strlcpy(fault->message, "the decoded image has a layout of samples that is not supported", sizeof fault->message);
		return -1;
	}
	heif_color_profile_nclx *nclx;
	heif_error error = heif_image_get_nclx_color_profile(image, &nclx);
	samples->primaries = samples->transfer = samples->matrix = 2; // unspecified
	samples->full = 0;
	if (error.code == heif_error_Ok) {
		samples->primaries = nclx->color_primaries;
		samples->transfer = nclx->transfer_characteristics;
		samples->matrix = nclx->matrix_coefficients;
		samples->full = nclx->full_range_flag;
		heif_nclx_color_profile_free(nclx);
	}
	return 0;
}

// load reads samples from a place on as numbers.
static void
load(const plane *p, int x, int y, int count, float *out)
{
	const uint8_t *row = p->data + (size_t) (y >> p->down) * p->stride;
	if (p->wide) {
		const uint16_t *in = (const uint16_t *) row;
		for (int i = 0; i < count; i++)
			out[i] = in[(x + i) >> p->right];
		return;
	}
	if (!p->right) {
		for (int i = 0; i < count; i++)
			out[i] = row[x + i];
		return;
	}
	int first = x % 2; // the second of a pair
	if (first)
		out[0] = row[x / 2];
	row += (x + first) / 2;
	for (int pair = 0; pair < (count - first) / 2; pair++)
		out[first + 2 * pair] = out[first + 2 * pair + 1] = row[pair];
	if ((count - first) % 2)
		out[count - 1] = row[(count - first) / 2];
}

// mix makes one band of the samples, within 0 and most.
static void
mix(const float *weight, const float in[3][RUN], float most, int *out)
{
	for (int i = 0; i < RUN; i++) {
		float v = weight[0] * in[0][i] + weight[1] * in[1][i] + weight[2] * in[2][i] + weight[3];
		v = v < 0 ? 0 : v;
		v = v > most ? most : v;
		out[i] = (int) (v + 0.5f);
	}
}

// straighten divides colours by their alpha.
static void
straighten(int rgb[3][RUN], const int *alpha, int count, int most)
{
	for (int band = 0; band < 3; band++)
		for (int i = 0; i < count; i++)
			rgb[band][i] = alpha[i] == 0 ? 0 : MIN((int) (((int64_t) rgb[band][i] * most + alpha[i] / 2) / alpha[i]), most);
}

static void
convert_run(const layout *l, int x, int y, int count, VipsPel *out, int bands)
{
	float in[3][RUN];
	int rgb[3][RUN], alpha[RUN];
	int most = l->matrix.wide ? 65535 : 255;
	for (int i = 0; i < 3; i++)
		if (l->color[i].data)
			load(&l->color[i], x, y, count, in[i]);
		else
			for (int at = 0; at < count; at++)
				in[i][at] = l->neutral;
	for (int band = 0; band < 3; band++)
		mix(l->matrix.weight[band], in, most, rgb[band]);
	if (bands == 4) {
		const float scale[4] = { l->alpha_scale };
		load(&l->alpha, x, y, count, in[0]);
		mix(scale, in, most, alpha);
		if (l->premultiplied)
			straighten(rgb, alpha, count, most);
	}
	if (bands == 3 && !l->matrix.wide) {
		for (int i = 0; i < count; i++, out += 3) {
			out[0] = rgb[0][i];
			out[1] = rgb[1][i];
			out[2] = rgb[2][i];
		}
		return;
	}
	const int *from[] = { rgb[0], rgb[1], rgb[2], alpha };
	for (int band = 0; band < bands; band++) {
		if (l->matrix.wide)
			for (int i = 0; i < count; i++)
				((uint16_t *) out)[i * bands + band] = from[band][i];
		else
			for (int i = 0; i < count; i++)
				out[i * bands + band] = from[band][i];
	}
}

static int
generate(VipsRegion *out, void *sequence, void *a, void *b, gboolean *stop)
{
	const layout *l = a;
	const VipsRect *area = &out->valid;
	int bands = out->im->Bands;
	for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++)
		for (int x = area->left; x < VIPS_RECT_RIGHT(area); x += RUN)
			convert_run(l, x, y, MIN(RUN, VIPS_RECT_RIGHT(area) - x), VIPS_REGION_ADDR(out, x, y), bands);
	return 0;
}

int
presize_planes_image(heif_image *image, const PresizeMatrix *matrix, VipsImage **out)
{
	heif_chroma chroma = heif_image_get_chroma_format(image);
	int right = chroma == heif_chroma_420 || chroma == heif_chroma_422, down = chroma == heif_chroma_420;
	const heif_channel *channels = heif_image_get_colorspace(image) == heif_colorspace_RGB ? primary : luma;
	*out = vips_image_new();
	layout *l = VIPS_NEW(*out, layout);
	*l = (layout) { .matrix = *matrix, .neutral = 1 << (heif_image_get_bits_per_pixel_range(image, channels[0]) - 1) };
	for (int i = 0; i < 3; i++)
		l->color[i] = find_plane(image, channels[i], i > 0 ? right : 0, i > 0 ? down : 0);
	l->alpha = find_plane(image, heif_channel_Alpha, 0, 0);
	int bands = 3;
	if (l->alpha.data) {
		bands = 4;
		int full = (1 << heif_image_get_bits_per_pixel_range(image, heif_channel_Alpha)) - 1;
		l->alpha_scale = (matrix->wide ? 65535.f : 255.f) / full;
		l->premultiplied = heif_image_is_premultiplied_alpha(image);
	}
	vips_image_init_fields(*out, heif_image_get_primary_width(image), heif_image_get_primary_height(image), bands,
		matrix->wide ? VIPS_FORMAT_USHORT : VIPS_FORMAT_UCHAR, VIPS_CODING_NONE,
		matrix->wide ? VIPS_INTERPRETATION_RGB16 : VIPS_INTERPRETATION_sRGB, 1, 1);
	if (vips_image_pipelinev(*out, VIPS_DEMAND_STYLE_THINSTRIP, NULL) ||
		vips_image_generate(*out, NULL, generate, NULL, l, NULL)) {
		g_clear_object(out);
		return -1;
	}
	return 0;
}
