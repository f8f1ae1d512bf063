#include "hdr.h"
#include <math.h>

static float
lookup(const float *table, float square)
{
	float root = sqrtf(square);
	return table[root < 1 ? (int) (root * (PRESIZE_CODES - 1) + 0.5f) : PRESIZE_CODES - 1];
}

// fit moves a colour that sRGB does not reach towards the grey of the same luminance until it does.
static void
fit(float rgb[3])
{
	float grey = 0.2126f * rgb[0] + 0.7152f * rgb[1] + 0.0722f * rgb[2];
	grey = grey < 0 ? 0 : grey > 1 ? 1 : grey;
	float keep = 1;
	for (int i = 0; i < 3; i++) {
		if (rgb[i] < 0)
			keep = fminf(keep, grey / (grey - rgb[i]));
		else if (rgb[i] > 1)
			keep = fminf(keep, (1 - grey) / (rgb[i] - grey));
	}
	for (int i = 0; i < 3; i++)
		rgb[i] = grey + keep * (rgb[i] - grey);
}

static void
convert_pixel(const PresizeHDR *hdr, const int code[3], VipsPel *out)
{
	float light[3], rgb[3];
	for (int i = 0; i < 3; i++)
		light[i] = hdr->light[code[i]];
	float scale = lookup(hdr->system, hdr->weights[0] * light[0] + hdr->weights[1] * light[1] + hdr->weights[2] * light[2]);
	float brightest = scale * fmaxf(light[0], fmaxf(light[1], light[2]));
	scale *= lookup(hdr->tone, brightest / hdr->peak);
	if (brightest > hdr->peak) // clipped, all three in proportion
		scale *= hdr->peak / brightest;
	for (int i = 0; i < 3; i++)
		rgb[i] = scale * (hdr->to_srgb[i][0] * light[0] + hdr->to_srgb[i][1] * light[1] + hdr->to_srgb[i][2] * light[2]);
	fit(rgb);
	for (int i = 0; i < 3; i++) {
		float v = rgb[i] < 0 ? 0 : rgb[i] > 1 ? 1 : rgb[i];
		out[i] = hdr->level[(int) (v * PRESIZE_LIGHTS + 0.5f)];
	}
}

static int
generate(VipsRegion *out, void *sequence, void *unused, void *a, gboolean *stop)
{
	const PresizeHDR *hdr = a;
	VipsRegion *in = sequence;
	const VipsRect *area = &out->valid;
	int bands = in->im->Bands;
	gboolean wide = in->im->BandFmt == VIPS_FORMAT_USHORT;
	if (vips_region_prepare(in, area))
		return -1;
	for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++) {
		const VipsPel *p = VIPS_REGION_ADDR(in, area->left, y);
		VipsPel *q = VIPS_REGION_ADDR(out, area->left, y);
		for (int x = 0; x < area->width; x++, q += bands) {
			int value[4], code[3];
			for (int i = 0; i < bands; i++)
				value[i] = wide ? ((const uint16_t *) p)[x * bands + i] : 257 * p[x * bands + i];
			for (int i = 0; i < 3; i++)
				code[i] = (value[i] * (PRESIZE_CODES - 1) + 32767) / 65535;
			convert_pixel(hdr, code, q);
			if (bands == 4)
				q[3] = (value[3] + 128) / 257;
		}
	}
	return 0;
}

int
presize_tone_map(VipsImage *in, const PresizeHDR *hdr, VipsImage **out)
{
	*out = vips_image_new();
	if (in->Bands < 3 || in->Bands > 4 || (in->BandFmt != VIPS_FORMAT_USHORT && in->BandFmt != VIPS_FORMAT_UCHAR) ||
		vips_image_pipelinev(*out, VIPS_DEMAND_STYLE_THINSTRIP, in, NULL)) {
		g_clear_object(out);
		return -1;
	}
	vips_object_local(*out, g_object_ref(in)); // libvips reads it without a reference of its own
	(*out)->BandFmt = VIPS_FORMAT_UCHAR;
	(*out)->Type = VIPS_INTERPRETATION_sRGB;
	if (vips_image_generate(*out, vips_start_one, generate, vips_stop_one, in, (void *) hdr)) {
		g_clear_object(out);
		return -1;
	}
	return 0;
}
