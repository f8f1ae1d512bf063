#include "watermark.h"

// blend lays one pixel over another: "over" of Porter and Duff (1984), for
// alpha that is not premultiplied. Where there is no alpha band, it is opaque.
static void
blend(VipsPel *under, int under_bands, const VipsPel *over, int over_bands, double opacity)
{
	double cover = (over_bands == 4 ? over[3] / 255.0 : 1) * opacity;
	double rest = (under_bands == 4 ? under[3] / 255.0 : 1) * (1 - cover);
	if (cover == 0)
		return;
	for (int band = 0; band < 3; band++)
		under[band] = (cover * over[band] + rest * under[band]) / (cover + rest) + 0.5;
	if (under_bands == 4)
		under[3] = 255 * (cover + rest) + 0.5;
}

int
presize_lay(VipsImage *on, const PresizeMark *mark)
{
	if (vips_image_inplace(on) || vips_image_wio_input(mark->image))
		return -1;
	int on_bands = vips_image_get_bands(on), mark_bands = vips_image_get_bands(mark->image);
	for (int y = 0; y < mark->image->Ysize; y++) {
		VipsPel *under = VIPS_IMAGE_ADDR(on, mark->left, mark->top + y);
		const VipsPel *over = VIPS_IMAGE_ADDR(mark->image, 0, y);
		for (int x = 0; x < mark->image->Xsize; x++)
			blend(under + x * on_bands, on_bands, over + x * mark_bands, mark_bands, mark->opacity);
	}
	return 0;
}
