package vips

import (
	"github.com/presize/presize/internal/media"
)

// How much memory a rendering takes at its peak, measured by BenchmarkMemory and
// rounded up. worker/vips/README.md has the table.
const (
	process = 64 << 20 // a process that renders nothing
	rgba    = 4        // bytes of a decoded pixel, whatever the palette is

	// Decoders that read row by row hold a part of the image, and of what is
	// scaled down a window of rows, however long these are.
	streamed = 0.5 // of the decoded image
	window   = 300 // rows

	// The others hold all of it, most of them more than once: in bytes for each
	// byte of the decoded image.
	scansJPEG      = 2.1 // the coefficients of all scans
	interlacedPNG  = 1.2
	wholeWebP      = 1.5
	wholeGIF       = 1.2
	wholeTIFF      = 1.5 // a strip may be the whole image, and each band a strip
	wholeAVIF      = 5.3
	wholeHEVC      = 2.5
	animated       = 3.0 // frames in RGBA, of the sizes that are encoded at once
	encoding       = 48  // bytes for each pixel of all sizes, in three formats at once
	encodingAlpha  = 52  // that much more where there is alpha
	strips         = 2   // all frames of a WebP in RGBA, once for each size that is encoded at once
	moving         = 1.5 // bytes for each encoded pixel of all frames: the result, twice for a moment
	marginEstimate = 1.25

	watermarks = 3 * rgba * media.MaxWatermark * media.MaxWatermark // decoded, and scaled for each variant
)

// Memory estimates the most memory, in bytes, that the process has in use while it
// renders this original to the preset, from what the header says. It is
// rather too high than too low: by a quarter above the worst that was measured.
func (i Info) Memory(preset media.Preset) int64 {
	encode := encoding
	if i.alpha {
		encode += encodingAlpha
	}
	var output int64 // pixels
	planned := make(map[media.Plan]bool)
	for _, size := range preset.Sizes {
		plan := preset.Plan(size, i.Upright)
		if !planned[plan] { // sizes that come out alike are rendered once
			output += plan.Scaled.Pixels()
		}
		planned[plan] = true
	}
	need := process + float64(i.bytes) + i.decoding() + float64(output*int64(encode))
	if i.Frames > 1 {
		need += animated*rgba*float64(i.Upright.Pixels()) + moving*float64(output)*float64(i.Frames)
		if i.Format == media.WebP {
			need += strips * rgba * float64(i.Upright.Pixels()) * float64(i.Frames)
		}
	}
	if preset.Watermark != nil {
		need += watermarks + float64(rgba*output)
	}
	return int64(marginEstimate * need)
}

// decoding is the part of Memory that the decoder takes.
func (i Info) decoding() float64 {
	decoded := float64(i.Upright.Pixels()) * float64(i.pixel)
	rows := streamed*decoded + window*float64(max(i.Upright.Width, i.Upright.Height)*i.pixel)
	switch i.Format {
	case media.JPEG:
		if i.interlaced {
			return scansJPEG * decoded
		}
		return rows
	case media.PNG:
		if i.interlaced {
			return rows + interlacedPNG*decoded
		}
		return rows
	case media.WebP:
		return wholeWebP * decoded
	case media.GIF:
		return wholeGIF * rgba * float64(i.Upright.Pixels())
	case media.TIFF:
		return rows + wholeTIFF*decoded
	case media.AVIF:
		return wholeAVIF * decoded
	default:
		return wholeHEVC * decoded
	}
}

// Fit rejects an original that would take more memory to render than limit, in
// bytes. With a limit of 0 everything fits.
func (i Info) Fit(preset media.Preset, limit int64) error {
	need := i.Memory(preset)
	if limit == 0 || need <= limit {
		return nil
	}
	return media.Reject(media.TooManyPixels,
		"The image is %d x %d, and a %s of this kind takes about %d MB of memory to process; there are %d MB.",
		i.Upright.Width, i.Upright.Height, i.Format.Name(), need/1e6, limit/1e6)
}
