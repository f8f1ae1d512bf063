package renderer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/presize/presize/internal/media"
)

// written is a conversation as one side writes it.
func written(t testing.TB, frames ...func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, write := range frames {
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func framed(kind byte, header any, data ...[]byte) func(io.Writer) error {
	return func(w io.Writer) error { return writeFrame(w, kind, header, data...) }
}

func fuzzPreset() media.Preset {
	return media.Preset{Name: "photo", Fit: media.Inside, Background: "#ffffff", Sizes: []media.Size{{Width: 8}},
		Encoders: []media.Encoder{{Format: media.JPEG, Quality: 80}, {Format: media.AVIF, Quality: 50, Speed: 9}}}
}

// FuzzAnswers lets a renderer answer with any bytes. The worker neither panics nor
// believes an answer that can't be.
func FuzzAnswers(f *testing.F) {
	info := Info{Format: media.PNG, Upright: media.Extent{Width: 8, Height: 8}, Frames: 1}
	jpeg := Variant{Name: "8", Format: media.JPEG, Extent: info.Upright, Placeholder: &media.Placeholder{ThumbHash: "AAAA", Color: "#000000"}}
	f.Add(written(f, framed(kindInfo, info), framed(kindVariant, jpeg, []byte("\xff\xd8\xff")), framed(kindEnd, struct{}{})))
	f.Add(written(f, framed(kindRejection, refusal{Rejection: media.Reject(media.Corrupt, "It is broken."), Cause: "bad Huffman code"})))
	f.Add(written(f, framed(kindInfo, info), framed(kindFailure, failure{Message: "out of memory"})))
	f.Add([]byte("i\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, answers []byte) {
		nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer nowhere.Close()
		p := &process{questions: nowhere, answers: bufio.NewReader(bytes.NewReader(answers)), stderr: new(head)}
		request := Request{Limits: media.DefaultLimits(), Preset: fuzzPreset()}
		info, err := p.probeAnswer(request)
		var rejection *media.Rejection
		if errors.As(err, &rejection) && rejection.Detail == "" {
			t.Errorf("rejected without a reason: %v", err)
		}
		if err != nil {
			return
		}
		if _, known := media.ParseFormat(string(info.Format)); !known || info.Upright.Pixels() < 1 || info.Upright.Pixels() > request.Limits.Pixels {
			t.Errorf("believed %+v", info)
		}
		r := (&Original{request: request, process: p}).Render(t.Context())
		err = p.renderAnswers(r.taker(func(v Variant) error {
			if format, _ := media.Sniff(v.Bytes); format != v.Format {
				t.Errorf("believed that %.20q is %s", v.Bytes, v.Format)
			}
			return nil
		}))
		if err == nil && len(r.missing) == 0 && r.placeholder.Color == "" {
			t.Error("complete without a placeholder")
		}
	})
}

// FuzzQuestions gives the renderer any bytes as questions. It ends, and gives the
// decoder only what is a request.
func FuzzQuestions(f *testing.F) {
	request := Request{Limits: media.DefaultLimits(), Preset: fuzzPreset()}
	f.Add(written(f, framed(kindProbe, request, []byte("original")), framed(kindRender, struct{}{})))
	marked := request
	marked.Preset.Watermark, marked.Watermark = &media.Watermark{Image: "a.png", Place: "centre", Width: 1, Opacity: 1}, 3
	f.Add(written(f, framed(kindProbe, marked, []byte("PNG"), []byte("original"))))
	f.Add([]byte("p\x00\x00\x00\x02\x00\x00\x00\x01{}x"))
	f.Fuzz(func(t *testing.T, questions []byte) {
		var answers bytes.Buffer
		probed, rendered := 0, 0
		err := Serve(bytes.NewReader(questions), &answers, Hello{}, func(r Request) (Info, Render, error) {
			probed++
			if _, err := json.Marshal(r); err != nil {
				t.Error(err)
			}
			return Info{}, func(emit func(Variant) error) error { rendered++; return emit(Variant{}) }, nil
		})
		if rendered > probed {
			t.Errorf("%d rendered of %d probed", rendered, probed)
		}
		if err == nil && len(questions) > 0 && probed == 0 {
			t.Error("nothing was asked, and nothing is wrong")
		}
	})
}
