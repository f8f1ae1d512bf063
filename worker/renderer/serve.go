package renderer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/presize/presize/internal/media"
)

// Render renders what was probed. It calls emit with each variant as soon as there
// is one, from one goroutine at a time. An error of emit ends it.
type Render func(emit func(Variant) error) error

// Probe looks at an original. The error is a *media.Rejection where the file can't
// be accepted; Info is then what is known of it.
type Probe func(Request) (Info, Render, error)

// Serve is the renderer's side of the protocol. It answers questions from in on out
// until in ends, which is no error. What was probed last is kept for the question to
// render it, until the next one.
func Serve(in io.Reader, out io.Writer, hello Hello, probe Probe) error {
	if err := writeFrame(out, kindHello, hello); err != nil {
		return err
	}
	questions := bufio.NewReader(in)
	var render Render
	for {
		f, err := readFrame(questions, math.MaxUint32)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var info Info
		switch {
		case f.kind == kindProbe:
			info, render, err = serveProbe(f, out, probe)
		case f.kind == kindRender && render != nil:
			err = serveRender(out, render)
			render = nil
		default:
			err = fmt.Errorf("%w: an unexpected frame %q", errGarbage, f.kind)
		}
		if err := answerError(out, info, err); err != nil {
			return err
		}
	}
}

func serveProbe(f frame, out io.Writer, probe Probe) (info Info, render Render, err error) {
	var request Request
	if err := f.decode(&request); err != nil {
		return info, nil, err
	}
	if request.Watermark < 0 || request.Watermark > len(f.data) || request.Watermark > 0 && request.Preset.Watermark == nil {
		return info, nil, fmt.Errorf("%w: %d bytes of watermark", errGarbage, request.Watermark)
	}
	if request.Preset.Watermark != nil {
		request.Preset.Watermark.PNG = f.data[:request.Watermark]
	}
	request.Original = f.data[request.Watermark:]
	if info, render, err = probe(request); err != nil {
		return info, nil, err
	}
	return info, render, writeFrame(out, kindInfo, info)
}

func serveRender(out io.Writer, render Render) error {
	err := render(func(v Variant) error {
		if len(v.Bytes) > maxVariant {
			return fmt.Errorf("a variant has %d bytes, more than %d", len(v.Bytes), maxVariant)
		}
		return writeFrame(out, kindVariant, v, v.Bytes)
	})
	if err != nil {
		return err
	}
	return writeFrame(out, kindEnd, struct{}{})
}

// answerError tells of an error. Nothing more is answered after one that is no
// rejection.
func answerError(out io.Writer, info Info, err error) error {
	if err == nil {
		return nil
	}
	var rejection *media.Rejection
	if errors.As(err, &rejection) {
		cause := rejection.Cause[:min(len(rejection.Cause), maxDetail)]
		return writeFrame(out, kindRejection, refusal{Info: info, Rejection: rejection, Cause: cause})
	}
	message := err.Error()
	return errors.Join(err, writeFrame(out, kindFailure, failure{Message: message[:min(len(message), maxDetail)]}))
}
