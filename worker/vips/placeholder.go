package vips

import (
	"encoding/base64"
	"fmt"
	stdimage "image"

	"github.com/galdor/go-thumbhash"

	"github.com/presize/presize/internal/media"
)

// hashEdge is the longest edge of the image that a ThumbHash is made of: the most
// that the format's reference encoder takes.
const hashEdge = 100

// placeholder describes the image in a few bytes.
func (i *image) placeholder() (media.Placeholder, error) {
	plan := media.Preset{Fit: media.Inside}.Plan(media.Size{Width: hashEdge, Height: hashEdge}, i.Extent)
	small, err := i.resize(plan.Output)
	if err != nil {
		return media.Placeholder{}, err
	}
	defer small.free()
	rgba := stdimage.NewNRGBA(stdimage.Rect(0, 0, small.Width, small.Height))
	var red, green, blue, opacity uint64
	pixels := small.pixels()
	for at, to := 0, 0; at < len(pixels); at, to = at+small.bands, to+4 {
		alpha := uint8(255)
		if small.bands == 4 {
			alpha = pixels[at+3]
		}
		copy(rgba.Pix[to:], pixels[at:at+3])
		rgba.Pix[to+3] = alpha
		red += uint64(pixels[at]) * uint64(alpha)
		green += uint64(pixels[at+1]) * uint64(alpha)
		blue += uint64(pixels[at+2]) * uint64(alpha)
		opacity += uint64(alpha)
	}
	opacity = max(opacity, 1)
	return media.Placeholder{
		ThumbHash: base64.StdEncoding.EncodeToString(thumbhash.EncodeImage(rgba)),
		Color:     fmt.Sprintf("#%02x%02x%02x", red/opacity, green/opacity, blue/opacity),
	}, nil
}
