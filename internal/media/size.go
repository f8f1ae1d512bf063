package media

// MaxEdge is the longest edge of a variant in pixels: the most that WebP can
// hold (RFC 9649 §2.6, 14 bits).
const MaxEdge = 16383

// Extent is the width and height of an image in pixels.
type Extent struct{ Width, Height int }

// Pixels is the area of the extent.
func (e Extent) Pixels() int64 { return int64(e.Width) * int64(e.Height) }

// Plan says how an upright image becomes one variant: it is scaled to Scaled,
// which is never larger than the image, and of that an area of Output is kept.
type Plan struct{ Scaled, Output Extent }

// Plan computes the extents for one size of the preset from those of the upright
// original.
//
// The scale is one factor for both edges and at most 1. Edges are rounded to the
// nearest pixel, halves up, and are at least 1. Where the image is too small to
// fill a Cover, the output is the largest area of the size's aspect ratio that
// the image does fill.
func (p Preset) Plan(size Size, upright Extent) Plan {
	if p.Fit == Cover {
		return planCover(size, upright)
	}
	limit := size.Height
	if limit == 0 {
		limit = MaxEdge
	}
	scaled := upright
	if scaled.Width > size.Width {
		scaled = Extent{size.Width, scaleEdge(upright.Height, size.Width, upright.Width)}
	}
	if scaled.Height > limit {
		scaled = Extent{scaleEdge(upright.Width, limit, upright.Height), limit}
	}
	return Plan{Scaled: scaled, Output: scaled}
}

func planCover(size Size, upright Extent) Plan {
	output := Extent{size.Width, size.Height}
	if output.Width > upright.Width {
		output = Extent{upright.Width, scaleEdge(size.Height, upright.Width, size.Width)}
	}
	if output.Height > upright.Height {
		output = Extent{scaleEdge(size.Width, upright.Height, size.Height), upright.Height}
	}
	// The edge that needs the larger factor fills exactly, the other one is cropped.
	scaled := Extent{output.Width, scaleEdge(upright.Height, output.Width, upright.Width)}
	if scaled.Height < output.Height {
		scaled = Extent{scaleEdge(upright.Width, output.Height, upright.Height), output.Height}
	}
	return Plan{Scaled: Extent{max(scaled.Width, output.Width), max(scaled.Height, output.Height)}, Output: output}
}

// scaleEdge is edge x to / from, rounded to the nearest integer and at least 1.
func scaleEdge(edge, to, from int) int {
	return max(1, int((2*int64(edge)*int64(to)+int64(from))/(2*int64(from))))
}
