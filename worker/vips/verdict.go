package vips

// #include "bridge.h"
import "C"

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/presize/presize/internal/media"
)

// decoderError is what a decoder has to say about a file that it can't decode.
type decoderError struct{ messages string }

func (e *decoderError) Error() string { return e.messages }

// inShort is what is said, each line once, for the log.
func (e *decoderError) inShort() string {
	const most = 500 // bytes
	lines := strings.Split(e.messages, "\n")
	slices.Sort(lines)
	said := strings.Join(slices.Compact(lines), "; ")
	return said[:min(len(said), most)]
}

// ours reports whether the fault is not the file's. libtiff speaks of memory too where a tag
// has more bytes by its own word than the file.
func (e *decoderError) ours() bool {
	messages := e.messages
	if strings.Contains(messages, "is greater than filesize") {
		messages = strings.ReplaceAll(messages, "Out of memory reading of ", "")
	}
	return ours.MatchString(messages)
}

// decoding runs a call of libvips that decodes. Where it fails it is repeated alone, for
// its messages: the error is then a *decoderError.
func decoding(f func() C.int) error {
	if call(f) == nil {
		return nil
	}
	messages, err := exclusively(f)
	if err == nil {
		return nil
	}
	return &decoderError{messages}
}

var (
	// ours are messages that say nothing against the file, whichever others stand beside
	// them: of memory that can't be had, and of a pipeline that is used wrongly.
	ours = regexp.MustCompile(`(?i)out of memory|insufficient memory|unable to allocate|cannot allocate|failed to allocate memory .*\([1-9]|` +
		`out of order|no space left|too many open`)

	// unsupported are messages about files that are as they should be, and of a kind that the
	// decoder does not know.
	unsupported = regexp.MustCompile(`Unsupported JPEG (process|data precision)|Unsupported marker type 0xf7|arithmetic coding|` +
		`not configured|[uU]nsupported tiff image type|separate planes not supported|image not supported|` +
		`not (at least )?\d+ (bands|bits|samples)|photometric interpretation|not a whole number of bytes|` +
		`no support|not implemented|Sorry, can not handle`)
)

// faults matches messages with which the decoder of a format says that the fault is
// the file's, where that decoder is libvips'.
func faults(format media.Format) *regexp.Regexp {
	const loader = `VipsForeignLoad\w+: the file is not of its format`
	switch format {
	case media.JPEG:
		return regexp.MustCompile(`(?m)^VipsJpeg: |` + loader)
	case media.PNG:
		return regexp.MustCompile(`.`) // libpng's messages begin with nothing that they have in common
	case media.GIF:
		return regexp.MustCompile(`(?m)^gifload|` + loader)
	case media.WebP:
		return regexp.MustCompile(`(?m)^webp(2vips)?: |` + loader)
	default:
		return regexp.MustCompile(`(?m)^(tiff2vips|vips__tiff_openin_source): |` + tiffDamage.String() + `|` + loader)
	}
}

// verdict turns the error of a decoder into a rejection, if it says that the fault is
// the file's. Any other error is ours, and stays one: no photo is thrown away
// for a failed allocation, an encoder's error or a defect of presize.
func (o *Original) verdict(err error) error {
	var heif *heifError
	var said *decoderError
	unfit := false // for the decoder, and not damaged
	cause := ""
	switch {
	case errors.As(err, &heif) && !heif.ours():
		unfit, cause = heif.unsupported(), heif.Error()
	case errors.As(err, &said) && !said.ours() && faults(o.Format).MatchString(said.messages):
		unfit, cause = unsupported.MatchString(said.messages), said.inShort()
	default:
		return fmt.Errorf("decode %s: %w", o.Format, err)
	}
	// Some decoders, libwebp among them, have one message for damage and for memory that can't be had.
	if C.presize_has_room(C.size_t(process+marginEstimate*o.decoding())) == 0 {
		return fmt.Errorf("decode %s in too little memory: %w", o.Format, err)
	}
	rejection := media.Reject(media.Corrupt, "The file is damaged: it begins as %s, but can't be read to its end.", o.Format.Name())
	switch {
	case unfit:
		rejection = media.Reject(media.UnsupportedType, "The file is a %s of a kind that can't be read.", o.Format.Name())
	case truncated(o.file, o.Format):
		rejection = media.Reject(media.Truncated, "The end of the file is missing. It may not have been saved or sent completely.")
	}
	rejection.Cause = cause
	return rejection
}
