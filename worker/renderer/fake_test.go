package renderer_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
	"github.com/presize/presize/worker/renderer/renderertest"
)

// TestMain makes a copy of the test binary that is named like one of the fakes a
// renderer that misbehaves.
func TestMain(m *testing.M) {
	fake, ok := fakes()[filepath.Base(os.Args[0])]
	if !ok {
		os.Exit(m.Run())
	}
	fake(os.Stdin, os.NewFile(3, "answers"))
}

// message is a frame as it is on the wire.
func message(kind byte, header any, data []byte) []byte {
	encoded, err := json.Marshal(header)
	if err != nil {
		panic(err)
	}
	b := binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(encoded)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	return append(append(b, encoded...), data...)
}

var (
	hello = message('h', renderer.Hello{}, nil)
	found = message('i', renderer.Info{Format: media.PNG, Upright: media.Extent{Width: 8, Height: 8}, Frames: 1}, nil)
	end   = message('e', struct{}{}, nil)
)

// jpegHead passes for a JPEG.
var jpegHead = []byte("\xff\xd8\xff\xe0")

func sample(name string, format media.Format, placeholder *media.Placeholder, data []byte) []byte {
	return message('v', renderer.Variant{
		Name: name, Format: format, Extent: media.Extent{Width: 8, Height: 8}, Placeholder: placeholder,
	}, data)
}

func goodPlaceholder() *media.Placeholder {
	return &media.Placeholder{ThumbHash: "AAAA", Color: "#000000"}
}

// fakes are renderers by the way in which they misbehave. Each gets its questions and
// has what it writes taken for answers.
func fakes() map[string]func(in io.Reader, out *os.File) {
	// say answers each question in turn, and then hangs.
	say := func(answers ...[]byte) func(io.Reader, *os.File) {
		return func(in io.Reader, out *os.File) {
			for i, answer := range answers {
				if i > 0 {
					question(in)
				}
				_, _ = out.Write(answer)
			}
			_, _ = io.Copy(io.Discard, in)
		}
	}
	// die says the same and ends.
	die := func(answers ...[]byte) func(io.Reader, *os.File) {
		return func(in io.Reader, out *os.File) {
			for i, answer := range answers {
				if i > 0 {
					question(in)
				}
				_, _ = out.Write(answer)
			}
			fmt.Fprintln(os.Stderr, "out of cheese")
			os.Exit(3)
		}
	}
	huge := binary.BigEndian.AppendUint32([]byte{'i'}, 0xffffffff)
	huge = append(huge, 0xff, 0xff, 0xff, 0xff)
	manyBytes := binary.BigEndian.AppendUint32([]byte{'v'}, 2)
	manyBytes = append(binary.BigEndian.AppendUint32(manyBytes, 65<<20), "{}"...)
	good := sample("8", media.JPEG, goodPlaceholder(), jpegHead)
	return map[string]func(io.Reader, *os.File){
		"no hello":            die(),
		"garbage as hello":    say([]byte("<html>not a frame at all</html>")),
		"death after hello":   die(hello),
		"death at probe":      die(hello, nil),
		"death after probe":   die(hello, found),
		"death in a frame":    die(hello, found[:len(found)-3]),
		"death at render":     die(hello, found, nil),
		"death in a variant":  die(hello, found, good[:len(good)-2]),
		"death after variant": die(hello, found, good),
		"garbage as info":     say(hello, []byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00")),
		"no JSON":             say(hello, append([]byte("i\x00\x00\x00\x05\x00\x00\x00\x00"), "{{{{{"...)),
		"huge lengths":        say(hello, huge),
		"huge variant":        say(hello, found, manyBytes),
		"info with data":      say(hello, message('i', renderer.Info{Format: media.PNG, Upright: media.Extent{Width: 8, Height: 8}, Frames: 1}, []byte("x"))),
		"impossible info":     say(hello, message('i', renderer.Info{Format: media.PNG, Upright: media.Extent{Width: -1, Height: 8}, Frames: 1}, nil)),
		"unknown format":      say(hello, message('i', renderer.Info{Format: "text/html", Upright: media.Extent{Width: 8, Height: 8}, Frames: 1}, nil)),
		"unknown rejection":   say(hello, message('x', map[string]any{"rejection": map[string]string{"code": "ugly", "detail": "It is ugly."}}, nil)),
		"empty rejection":     say(hello, message('x', struct{}{}, nil)),
		"variant too early":   say(hello, good),
		"early end":           say(hello, found, end),
		"variant twice":       say(hello, found, append(bytes.Clone(good), good...)),
		"another variant":     say(hello, found, sample("9", media.JPEG, goodPlaceholder(), jpegHead)),
		"another format":      say(hello, found, sample("8", media.JPEG, goodPlaceholder(), []byte("<html>"))),
		"no placeholder":      say(hello, found, sample("8", media.JPEG, nil, jpegHead)),
		"color of a script":   say(hello, found, sample("8", media.JPEG, &media.Placeholder{ThumbHash: "AAAA", Color: "\"><script>"}, jpegHead)),
		"own failure":         say(hello, found, message('f', map[string]string{"message": "out of cheese"}, nil)),
		"closed answers": func(in io.Reader, out *os.File) {
			_, _ = out.Write(hello)
			out.Close()
			_, _ = io.Copy(io.Discard, in)
		},
		"closed questions": func(in io.Reader, out *os.File) {
			os.Stdin.Close() // before it is asked: else it would be silence
			_, _ = out.Write(hello)
			select {}
		},
		"chatter on stdout": func(in io.Reader, out *os.File) {
			fmt.Print(strings.Repeat("VIPS-WARNING: nice image\n", 10_000))
			say(hello, found, append(bytes.Clone(good), end...))(in, out)
		},
		"extra output": func(in io.Reader, out *os.File) {
			say(hello, append(bytes.Clone(found), found...), append(bytes.Clone(good), end...))(in, out)
		},
		"renderer":          say(),
		"silence":           say(hello),
		"silence at render": say(hello, found),
	}
}

// question reads a frame.
func question(in io.Reader) {
	prefix := make([]byte, 9)
	_, _ = io.ReadFull(in, prefix)
	_, _ = io.CopyN(io.Discard, in, int64(binary.BigEndian.Uint32(prefix[1:]))+int64(binary.BigEndian.Uint32(prefix[5:])))
}

// startFake starts a renderer that misbehaves.
func startFake(t *testing.T, name string) *renderer.Renderer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	install(t, self, path)
	return renderertest.StartWith(t, renderer.Config{Path: path, Memory: 1 << 30, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
}

// install puts a program where another one may be.
func install(t *testing.T, program, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.Link(program, path); err == nil {
		return
	}
	data, err := os.ReadFile(program)
	if err := errors.Join(err, os.WriteFile(path, data, 0o700)); err != nil {
		t.Fatal(err)
	}
}

// single has one variant.
func single() media.Preset {
	return media.Preset{Name: "single", Fit: media.Inside, Background: "#ffffff",
		Sizes: []media.Size{{Width: 8}}, Encoders: []media.Encoder{{Format: media.JPEG, Quality: 80}}}
}

func drawing(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRendererThatMisbehavesIsAFailureOfOurs(t *testing.T) {
	for name := range fakes() {
		if strings.HasPrefix(name, "silence") || name == "chatter on stdout" || name == "renderer" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r := startFake(t, name)
			for range 2 { // whatever it did, the next original gets its answer
				_, _, err := render(t, r, drawing(t), single())
				var failure *renderer.Failure
				var rejection *media.Rejection
				if !errors.As(err, &failure) || errors.As(err, &rejection) || len(failure.Unwrap()) != 2 {
					t.Errorf("got %v", err)
				}
				if strings.HasPrefix(name, "death at") && !strings.Contains(err.Error(), "exit status 3: \"out of cheese") {
					t.Errorf("it does not say how: %v", err)
				}
			}
		})
	}
}

// TestStartThatFailedEarlierIsNoAttempt ends both processes before they have said hello, and
// gives an original to the next one.
func TestStartThatFailedEarlierIsNoAttempt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "renderer")
	install(t, self, path)
	r := renderertest.StartWith(t, renderer.Config{Path: path, Processes: 2, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	for len(renderertest.Processes(t)) < 2 {
	}
	renderertest.Kill(t)
	install(t, renderertest.Path(t), path)
	if variants, _, err := render(t, r, drawing(t), single()); err != nil || len(variants) != 1 {
		t.Errorf("%d variants, %v", len(variants), err)
	}
}

func TestChatterIsNoAnswer(t *testing.T) {
	r := startFake(t, "chatter on stdout")
	if variants, _, err := render(t, r, drawing(t), single()); err != nil || len(variants) != 1 {
		t.Errorf("%d variants, %v", len(variants), err)
	}
}
