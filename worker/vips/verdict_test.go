package vips

import (
	"errors"
	"testing"

	"github.com/presize/presize/internal/media"
)

func TestOnlyDamageIsTheFaultOfTheFile(t *testing.T) {
	small, huge := media.Extent{Width: 100, Height: 100}, media.Extent{Width: 1 << 28, Height: 1 << 20}
	for name, test := range map[string]struct {
		format media.Format
		extent media.Extent
		err    error
		want   media.Code // "" for a failure of ours
	}{
		"WebP, damaged":              {media.WebP, small, &decoderError{"webp2vips: unable to read pixels"}, media.Truncated},
		"WebP, in too little memory": {media.WebP, huge, &decoderError{"webp2vips: unable to read pixels"}, ""},
		"WebP, an encoder's error":   {media.WebP, small, &decoderError{"webpsave_buffer: parameter Q not set"}, ""},
		"GIF, a frame's error":       {media.GIF, small, &decoderError{"gifload_buffer: Invalid frame"}, media.Truncated},
		"GIF, an encoder's error":    {media.GIF, small, &decoderError{"vips2webp: picture memory error"}, ""},
		"TIFF, a tag longer than the file": {media.TIFF, small, &decoderError{"VipsForeignLoadTiffBuffer: the file is not of its format\n" +
			"Requested memory size for tag 12336 (0x3030) 808464432 is greater than filesize 179. Memory not allocated, tag not read\n" +
			`Out of memory reading of "Tag 12336"; tag ignored`}, media.Corrupt},
		"TIFF, memory has run out":      {media.TIFF, small, &decoderError{"tiff2vips: Out of memory reading of \"Tag 12336\""}, ""},
		"HEIC, damaged":                 {media.HEIC, small, &heifError{code: 7}, media.Corrupt},
		"HEIC, larger than it may be":   {media.HEIC, small, &heifError{code: 6, subcode: 1000}, media.Corrupt},
		"HEIC, memory has run out":      {media.HEIC, small, &heifError{code: 6}, ""},
		"HEIC, a function used wrongly": {media.HEIC, small, &heifError{code: 5}, ""},
		"HEIC, of an unknown kind":      {media.HEIC, small, &heifError{code: 4}, media.UnsupportedType},
	} {
		o := &Original{Info: Info{Format: test.format, Upright: test.extent, pixel: 4}}
		err := o.verdict(test.err)
		var rejection *media.Rejection
		if errors.As(err, &rejection) != (test.want != "") || rejection != nil && rejection.Code != test.want {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
