#include "colors.h"

// Four numbers at once, in one register of any processor that is in use.
typedef float quad __attribute__((vector_size(16), aligned(4)));
typedef int indexes __attribute__((vector_size(16)));

static void
convert_row(const PresizeColors *colors, const VipsPel *in, VipsPel *out, int width, int bands)
{
	const quad *red = (const quad *) colors->light[0];
	const quad *green = (const quad *) colors->light[1];
	const quad *blue = (const quad *) colors->light[2];
	for (int x = 0; x < width; x++, in += bands, out += bands) {
		indexes at = __builtin_convertvector(red[in[0]] + green[in[1]] + blue[in[2]], indexes);
		out[0] = colors->level[at[0]];
		out[1] = colors->level[at[1]];
		out[2] = colors->level[at[2]];
		if (bands == 4)
			out[3] = in[3];
	}
}

static int
generate(VipsRegion *out, void *sequence, void *unused, void *colors, gboolean *stop)
{
	VipsRegion *in = sequence;
	const VipsRect *area = &out->valid;
	if (vips_region_prepare(in, area))
		return -1;
	for (int y = area->top; y < VIPS_RECT_BOTTOM(area); y++)
		convert_row(colors, VIPS_REGION_ADDR(in, area->left, y), VIPS_REGION_ADDR(out, area->left, y),
			area->width, in->im->Bands);
	return 0;
}

int
presize_convert(VipsImage *in, const PresizeColors *colors, VipsImage **out)
{
	*out = vips_image_new();
	if (vips_image_pipelinev(*out, VIPS_DEMAND_STYLE_THINSTRIP, in, NULL) ||
		vips_image_generate(*out, vips_start_one, generate, vips_stop_one, in, (void *) colors)) {
		g_clear_object(out);
		return -1;
	}
	return 0;
}
