package renderer

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/presize/presize/internal/media"
)

// The worker and the renderer talk in frames, over two pipes. A frame is
//
//	kind     1 byte
//	header   length as 4 bytes, big endian: JSON, at most maxHeader bytes
//	data     length as 4 bytes, big endian: raw bytes
//
// with both lengths before both parts. The renderer says hello once. Then the
// worker asks to probe, and the renderer answers with what it found or with a
// rejection. The worker may ask to render what was found, and the renderer answers
// with variants and an end, or with a rejection. It answers every question with a
// failure where it can't, and is not asked again.
const (
	kindHello     = 'h'
	kindProbe     = 'p' // data: the watermark, if any, and the original
	kindInfo      = 'i'
	kindRender    = 'r'
	kindVariant   = 'v' // data: the encoded image
	kindEnd       = 'e'
	kindRejection = 'x'
	kindFailure   = 'f'
)

const (
	maxHeader = 64 << 10
	// maxVariant is more than any variant has, in bytes. It bounds what a renderer
	// can make the worker allocate.
	maxVariant = 64 << 20
	// maxDetail bounds the sentences of a renderer, in bytes.
	maxDetail = 4 << 10
)

// errGarbage is the end of a renderer that does not keep to the protocol.
var errGarbage = errors.New("the renderer sent garbage")

// Hello is the first frame of a renderer.
type Hello struct {
	Sandbox map[string]bool `json:"sandbox"` // what is denied to it, by name: see package sandbox
}

// split returns what is denied and what is not, in order.
func (h Hello) split() (denied, allowed []string) {
	for _, name := range slices.Sorted(maps.Keys(h.Sandbox)) {
		if h.Sandbox[name] {
			denied = append(denied, name)
		} else {
			allowed = append(allowed, name)
		}
	}
	return denied, allowed
}

// Request is an original to probe, and what it is going to be.
type Request struct {
	Limits    media.Limits `json:"limits"`
	Preset    media.Preset `json:"preset"`
	Watermark int          `json:"watermark,omitempty"` // bytes of its image
	Original  []byte       `json:"-"`
}

// Info is what the header of an original says.
type Info struct {
	Format  media.Format `json:"format"`
	Upright media.Extent `json:"upright"` // as the image is to be seen, orientation applied
	Frames  int          `json:"frames"`  // 1 for a still image
	Memory  int64        `json:"memory"`  // bytes that rendering takes at most, as an estimate
}

// Animated reports whether the original is more than a still image.
func (i Info) Animated() bool { return i.Frames > 1 }

// Variant is one encoded output image.
type Variant struct {
	Name   string       `json:"name"`
	Format media.Format `json:"format"`
	Extent media.Extent `json:"extent"`
	Bytes  []byte       `json:"-"`
	// Placeholder comes with the last quick variant.
	Placeholder *media.Placeholder `json:"placeholder,omitempty"`
}

// refusal is the header of a rejection.
type refusal struct {
	Info      Info             `json:"info"` // as far as it is known
	Rejection *media.Rejection `json:"rejection"`
	Cause     string           `json:"cause,omitempty"` // for the log
}

// failure is the header of a failure.
type failure struct {
	Message string `json:"message"`
}

// frame is one message.
type frame struct {
	kind   byte
	header []byte
	data   []byte
}

// readFrame reads a frame with at most maxData bytes of data. The error is io.EOF where
// there is no frame at all.
func readFrame(r *bufio.Reader, maxData int64) (f frame, err error) {
	var prefix [9]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return f, err
	}
	f.kind = prefix[0]
	header, data := binary.BigEndian.Uint32(prefix[1:]), binary.BigEndian.Uint32(prefix[5:])
	if header > maxHeader || int64(data) > maxData {
		return f, fmt.Errorf("%w: a frame %q of %d and %d bytes", errGarbage, f.kind, header, data)
	}
	if f.header, err = readPart(r, int64(header)); err != nil {
		return f, err
	}
	f.data, err = readPart(r, int64(data))
	return f, err
}

// readPart reads so many bytes. Beyond maxVariant it allocates no more than twice what
// has come.
func readPart(r io.Reader, size int64) ([]byte, error) {
	part := make([]byte, min(size, maxVariant))
	for read := int64(0); ; {
		n, err := io.ReadFull(r, part[read:])
		read += int64(n)
		if err != nil {
			return nil, fmt.Errorf("frame cut off: %w", err)
		}
		if read == size {
			return part, nil
		}
		part = append(part, make([]byte, min(size-read, read))...)
	}
}

// writeFrame writes a frame, whose data is given in parts so that nothing is copied.
func writeFrame(w io.Writer, kind byte, header any, data ...[]byte) error {
	encoded, err := json.Marshal(header)
	if err != nil {
		return err
	}
	size := 0
	for _, part := range data {
		size += len(part)
	}
	if len(encoded) > maxHeader || int64(size) > 1<<32-1 {
		return fmt.Errorf("frame %q of %d and %d bytes is too large", kind, len(encoded), size)
	}
	prefix := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(encoded)))
	prefix = binary.BigEndian.AppendUint32(prefix, uint32(size))
	for _, part := range append([][]byte{append(prefix, encoded...)}, data...) {
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}

// decode reads the header of a frame.
func (f frame) decode(into any) error {
	if err := json.Unmarshal(f.header, into); err != nil {
		return fmt.Errorf("%w: frame %q: %w", errGarbage, f.kind, err)
	}
	return nil
}

// check reports what is wrong with an answer of the renderer. It is not trusted
// more than the file that it has read.
func (i Info) check(limits media.Limits) error {
	_, known := media.ParseFormat(string(i.Format))
	if !known || i.Upright.Width < 1 || i.Upright.Height < 1 || i.Frames < 1 || i.Frames > limits.Frames || i.Memory < 0 ||
		i.Upright.Width > maxEdge || i.Upright.Height > maxEdge || i.Upright.Pixels() > limits.Pixels {
		return fmt.Errorf("%w: %+v", errGarbage, i)
	}
	return nil
}

// maxEdge is more than the edge of any original, in pixels: libvips' own limit.
const maxEdge = 100_000_000

func (r refusal) check() error {
	if r.Rejection == nil || !slices.Contains(media.Codes(), r.Rejection.Code) ||
		r.Rejection.Detail == "" || len(r.Rejection.Detail) > maxDetail {
		return fmt.Errorf("%w: rejection %+v", errGarbage, r.Rejection)
	}
	_, known := media.ParseFormat(string(r.Info.Format))
	width, height := r.Info.Upright.Width, r.Info.Upright.Height
	if r.Info.Format != "" && !known || width < 0 || height < 0 || r.Info.Frames < 0 {
		return fmt.Errorf("%w: %+v", errGarbage, r.Info)
	}
	return nil
}

// err is the rejection with its cause.
func (r refusal) err() error {
	r.Rejection.Cause = strings.ToValidUTF8(r.Cause[:min(len(r.Cause), maxDetail)], "?")
	return r.Rejection
}

var colorPattern = regexp.MustCompile(`^#[0-9a-f]{6}$`)

// maxThumbHash is more than any ThumbHash has, in bytes.
const maxThumbHash = 64

func (v Variant) check() error {
	if v.Extent.Width < 1 || v.Extent.Height < 1 || v.Extent.Width > media.MaxEdge || v.Extent.Height > media.MaxEdge {
		return fmt.Errorf("%w: a variant of %v", errGarbage, v.Extent)
	}
	if format, _ := media.Sniff(v.Bytes[:min(len(v.Bytes), media.SniffLength)]); format != v.Format {
		return fmt.Errorf("%w: %q as %q", errGarbage, format, v.Format)
	}
	if p := v.Placeholder; p != nil {
		hash, err := base64.StdEncoding.DecodeString(p.ThumbHash)
		if err != nil || len(hash) == 0 || len(hash) > maxThumbHash || !colorPattern.MatchString(p.Color) {
			return fmt.Errorf("%w: placeholder %+v", errGarbage, *p)
		}
	}
	return nil
}
