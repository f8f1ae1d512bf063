#include "shown.h"
#include <glib.h>
#include <libheif/heif_properties.h>

// view is how an image is seen: rows and columns may change places, and then the columns or the
// rows may be in reverse order.
typedef struct {
	gboolean swap;
	gboolean reverse_x;
	gboolean reverse_y;
} view;

// exif is the view as a value of EXIF's Orientation (EXIF 2.32 §4.6.4).
static int
exif(view v)
{
	static const int orientations[2][2][2] = { { { 1, 4 }, { 2, 3 } }, { { 5, 8 }, { 6, 7 } } };
	return orientations[v.swap][v.reverse_x][v.reverse_y];
}

// crop takes so many pixels from the edges of the view.
static void
crop(PresizeShown *shown, view v, int left, int top, int right, int bottom)
{
	if (v.reverse_x) {
		int t = left;
		left = right;
		right = t;
	}
	if (v.reverse_y) {
		int t = top;
		top = bottom;
		bottom = t;
	}
	shown->left += v.swap ? top : left;
	shown->top += v.swap ? left : top;
	shown->width -= v.swap ? top + bottom : left + right;
	shown->height -= v.swap ? left + right : top + bottom;
}

// border is what an aperture cuts off from an edge: nothing where it reaches beyond it.
static int
border(int pixels)
{
	return CLAMP(pixels, 0, G_MAXUINT16 * G_MAXUINT8);
}

void
presize_shown_read(const heif_context *context, heif_item_id item, PresizeShown *shown)
{
	heif_property_id list[16];
	int count = heif_item_get_transformation_properties(context, item, list, G_N_ELEMENTS(list));
	view v = { FALSE, FALSE, FALSE };
	for (int i = 0; i < count; i++) {
		switch (heif_item_get_property_type(context, item, list[i])) {
		case heif_item_property_type_transform_rotation:
			for (int angle = heif_item_get_property_transform_rotation_ccw(context, item, list[i]); angle > 0; angle -= 90)
				v = (view) { !v.swap, v.reverse_y, !v.reverse_x };
			break;
		case heif_item_property_type_transform_mirror:
			if (heif_item_get_property_transform_mirror(context, item, list[i]) == heif_transform_mirror_direction_horizontal)
				v.reverse_x = !v.reverse_x;
			else
				v.reverse_y = !v.reverse_y;
			break;
		case heif_item_property_type_transform_crop: {
			int left, top, right, bottom;
			heif_item_get_property_transform_crop_borders(context, item, list[i],
				v.swap ? shown->height : shown->width, v.swap ? shown->width : shown->height,
				&left, &top, &right, &bottom);
			crop(shown, v, border(left), border(top), border(right), border(bottom));
			break;
		}
		default:
			break;
		}
	}
	shown->orientation = exif(v);
}
