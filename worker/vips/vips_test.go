package vips

import (
	"bytes"
	"context"
	"errors"
	stdimage "image"
	"image/draw"
	"image/png"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/h2non/bimg"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/phototest"
)

func preset(t testing.TB, name string) media.Preset {
	t.Helper()
	found, ok := mediatest.Presets().Find(name)
	if !ok {
		t.Fatalf("no preset %q", name)
	}
	return found
}

// render probes and renders a file to the end.
func render(file []byte, preset media.Preset) ([]Variant, media.Placeholder, error) {
	info, err := Probe(file, media.DefaultLimits())
	if err != nil {
		return nil, media.Placeholder{}, err
	}
	rendering := info.Render(context.Background(), preset)
	var variants []Variant
	for v, err := range rendering.Variants() {
		if err != nil {
			return variants, media.Placeholder{}, err
		}
		variants = append(variants, v)
	}
	return variants, rendering.Placeholder(), nil
}

// decode decodes a file of a known format.
func decode(file []byte, format media.Format, extent media.Extent) (*image, error) {
	start()
	original := &Original{file: file}
	if err := original.open(format); err != nil {
		return nil, err
	}
	return original.decode(extent)
}

func mustRender(t testing.TB, file []byte, preset media.Preset) []Variant {
	t.Helper()
	variants, _, err := render(file, preset)
	if err != nil {
		t.Fatal(err)
	}
	return variants
}

func find(t testing.TB, variants []Variant, name string, format media.Format) Variant {
	t.Helper()
	for _, v := range variants {
		if v.Name == name && v.Format == format {
			return v
		}
	}
	t.Fatalf("no variant %s %s", name, format)
	return Variant{}
}

// decodeAny decodes a variant of any format to straight RGBA, through PNG.
func decodeAny(t testing.TB, encoded []byte) *stdimage.NRGBA {
	t.Helper()
	lossless, err := bimg.Resize(encoded, bimg.Options{Type: bimg.PNG, Compression: 1})
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(lossless))
	if err != nil {
		t.Fatal(err)
	}
	switch decoded := decoded.(type) {
	case *stdimage.NRGBA:
		return decoded
	case *stdimage.RGBA: // a PNG without alpha
		return &stdimage.NRGBA{Pix: decoded.Pix, Stride: decoded.Stride, Rect: decoded.Rect}
	}
	straight := stdimage.NewNRGBA(decoded.Bounds())
	draw.Draw(straight, straight.Rect, decoded, decoded.Bounds().Min, draw.Src)
	return straight
}

func encodePNG(t testing.TB, img stdimage.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEngineNamesTheVersionsInUse(t *testing.T) {
	for _, version := range []string{"bimg " + bimg.Version, "libvips " + bimg.VipsVersion, "libheif " + heifVersion()} {
		if !strings.Contains(media.Engine, version) {
			t.Errorf("media.Engine is %q, but in use is %s", media.Engine, version)
		}
	}
}

func TestEveryVariantComesOutOnceAndQuickOnesFirst(t *testing.T) {
	for _, name := range []string{"photo", "avatar", "card"} {
		preset := preset(t, name)
		variants := mustRender(t, phototest.Read(t, "test.jpg"), preset)
		var got, want []string
		slow := false
		for _, v := range variants {
			got = append(got, v.Name+v.Format.Extension())
			if v.Format != media.AVIF && slow {
				t.Errorf("%s: %s%s after a slow variant", name, v.Name, v.Format.Extension())
			}
			slow = slow || v.Format == media.AVIF
			sniffed, ok := media.Sniff(v.Bytes)
			if !ok || sniffed != v.Format {
				t.Errorf("%s: %s says it is %s, but is %s", name, v.Name, v.Format, sniffed)
			}
		}
		for _, v := range preset.Variants("id") {
			want = append(want, v.Name+v.ContentType.Extension())
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestExtentsAreThePlannedOnes(t *testing.T) {
	for _, size := range []stdimage.Point{{1, 1}, {1, 3000}, {3000, 1}, {100, 68}, {640, 480}, {641, 481}, {2500, 40}} {
		file := encodePNG(t, stdimage.NewNRGBA(stdimage.Rectangle{Max: size}))
		for _, name := range []string{"photo", "avatar", "card"} {
			preset := preset(t, name)
			preset.Encoders = slices.DeleteFunc(slices.Clone(preset.Encoders), func(e media.Encoder) bool { return !e.Quick() })
			variants := mustRender(t, file, preset)
			for _, output := range preset.Sizes {
				want := preset.Plan(output, media.Extent{Width: size.X, Height: size.Y}).Output
				v := find(t, variants, output.Name(), media.JPEG)
				actual := decodeAny(t, v.Bytes).Rect.Size()
				if v.Extent != want || actual != (stdimage.Point{X: want.Width, Y: want.Height}) {
					t.Errorf("%s of %v, %s: said %v, is %v, want %v", name, size, output.Name(), v.Extent, actual, want)
				}
			}
		}
	}
}

func TestSameOriginalGivesTheSameBytes(t *testing.T) {
	file := phototest.Read(t, "test_exif.jpg")
	byName := func(variants []Variant) map[string][]byte {
		all := make(map[string][]byte)
		for _, v := range variants {
			all[v.Name+v.Format.Extension()] = v.Bytes
		}
		return all
	}
	photo := preset(t, "photo")
	photo.Sizes = photo.Sizes[:3]
	want := byName(mustRender(t, file, photo))
	broken := phototest.Read(t, "corrupt.jpg")
	var all sync.WaitGroup
	for range 3 { // beside each other, and beside files that fail
		all.Go(func() {
			variants, _, err := render(file, photo)
			if err != nil {
				t.Error(err)
			}
			for name, encoded := range byName(variants) {
				if !bytes.Equal(encoded, want[name]) {
					t.Errorf("%s differs", name)
				}
			}
		})
		all.Go(func() {
			var rejection *media.Rejection
			if _, _, err := render(broken, photo); !errors.As(err, &rejection) {
				t.Errorf("a broken file gives %v", err)
			}
		})
	}
	all.Wait()
}

func TestRenderEndsWithItsContext(t *testing.T) {
	file := phototest.Read(t, "test.jpg")
	info, err := Probe(file, media.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, err = range info.Render(ctx, preset(t, "photo")).Variants() {
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// tiny is a preset that is cheap to render and uses every code path of the others.
func tiny() media.Preset {
	return media.Preset{
		Name: "tiny", Fit: media.Cover, Crop: media.Attention, Background: "#ffffff",
		Sizes: []media.Size{{Width: 48, Height: 48}, {Width: 64, Height: 64}},
		Encoders: []media.Encoder{
			{Format: media.AVIF, Quality: 50, Speed: 9}, {Format: media.WebP, Quality: 50, Effort: 2}, {Format: media.JPEG, Quality: 50},
		},
	}
}
