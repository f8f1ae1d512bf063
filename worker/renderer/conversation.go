package renderer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// hello waits for the first frame.
func (p *process) hello(ctx context.Context) (hello Hello, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	err = p.talk(ctx, func() error {
		f, err := p.read(0, kindHello)
		if err != nil {
			return err
		}
		return f.decode(&hello)
	})
	if err != nil {
		p.kill()
		p.close()
	}
	return hello, err
}

// probe asks for what is in an original.
func (p *process) probe(ctx context.Context, request Request) (info Info, err error) {
	err = p.talk(ctx, func() error {
		var watermark []byte
		if request.Preset.Watermark != nil {
			watermark = request.Preset.Watermark.PNG
			request.Watermark = len(watermark)
		}
		if err := writeFrame(p.questions, kindProbe, request, watermark, request.Original); err != nil {
			return err
		}
		info, err = p.probeAnswer(request)
		return err
	})
	return info, err
}

// probeAnswer reads the answer to probe.
func (p *process) probeAnswer(request Request) (info Info, err error) {
	f, err := p.read(0, kindInfo, kindRejection)
	if err != nil {
		return Info{}, err
	}
	if f.kind == kindRejection {
		return f.rejection()
	}
	if err := f.decode(&info); err != nil {
		return Info{}, err
	}
	return info, info.check(request.Limits)
}

// render asks for the variants of what was probed, and hands them to take.
func (p *process) render(ctx context.Context, take func(Variant) error) error {
	return p.talk(ctx, func() error {
		p.renders++
		if err := writeFrame(p.questions, kindRender, struct{}{}); err != nil {
			return err
		}
		return p.renderAnswers(take)
	})
}

// renderAnswers reads the answers to render.
func (p *process) renderAnswers(take func(Variant) error) error {
	for {
		f, err := p.read(maxVariant, kindVariant, kindEnd, kindRejection)
		if err != nil || f.kind == kindEnd {
			return err
		}
		if f.kind == kindRejection {
			_, err := f.rejection()
			return err
		}
		v := Variant{Bytes: f.data}
		if err := f.decode(&v); err != nil {
			return err
		}
		if err := v.check(); err != nil {
			return err
		}
		if err := take(v); err != nil {
			return err
		}
	}
}

func (f frame) rejection() (Info, error) {
	var r refusal
	if err := f.decode(&r); err != nil {
		return Info{}, err
	}
	if err := r.check(); err != nil {
		return Info{}, err
	}
	return r.Info, r.err()
}

// read returns the next frame, which must be of one of the kinds. A failure that the
// process tells of is an error.
func (p *process) read(maxData int64, kinds ...byte) (frame, error) {
	f, err := readFrame(p.answers, maxData)
	if err != nil {
		return f, err
	}
	if f.kind == kindFailure {
		var told failure
		if err := f.decode(&told); err != nil {
			return f, err
		}
		return f, errors.New(told.Message)
	}
	if !bytes.Contains(kinds, []byte{f.kind}) {
		return f, fmt.Errorf("%w: frame %q, want one of %q", errGarbage, f.kind, kinds)
	}
	if f.kind != kindVariant && len(f.data) > 0 {
		return f, fmt.Errorf("%w: frame %q with data", errGarbage, f.kind)
	}
	return f, nil
}

// talk runs a part of the conversation. The end of ctx ends the process, and with it
// the conversation. Where the process has ended by itself, the error says how, and what
// it wrote about that.
func (p *process) talk(ctx context.Context, f func() error) error {
	p.stderr.Reset()
	stop := context.AfterFunc(ctx, p.kill)
	err := f()
	if !stop() {
		p.killed = true
		if err != nil {
			return fmt.Errorf("renderer killed: %w", context.Cause(ctx))
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.EPIPE) {
		p.kill() // it may have closed its pipes only
		<-p.ended
		return fmt.Errorf("renderer ended: %v%s", p.command.ProcessState, p.stderr)
	}
	return err
}
