package renderer

import (
	"errors"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
)

// TestSecondAttemptMayHaveAnotherOrder: the encoders of a renderer run beside each other.
func TestSecondAttemptMayHaveAnotherOrder(t *testing.T) {
	preset := fuzzPreset()
	preset.Sizes = []media.Size{{Width: 8}, {Width: 16}, {Width: 24}}
	jpeg := func(name string) Variant { return Variant{Name: name, Format: media.JPEG} }
	withPlaceholder := func(name string) Variant {
		v := jpeg(name)
		v.Placeholder = &media.Placeholder{Color: "#123456"}
		return v
	}
	avif := func(name string) Variant { return Variant{Name: name, Format: media.AVIF} }
	for name, second := range map[string][]Variant{
		"the same":         {jpeg("8"), jpeg("16"), withPlaceholder("24"), avif("8"), avif("16"), avif("24")},
		"the missing last": {jpeg("8"), jpeg("24"), withPlaceholder("16"), avif("24"), avif("16"), avif("8")},
		"the known last":   {jpeg("24"), jpeg("16"), withPlaceholder("8"), avif("8"), avif("24"), avif("16")},
	} {
		t.Run(name, func(t *testing.T) {
			r := (&Original{request: Request{Preset: preset}}).Render(t.Context())
			var got []string
			next := func(v Variant) error {
				if got = append(got, v.Name+v.Format.Extension()); len(got) == 3 && r.Placeholder().Color != "#123456" {
					t.Error("no placeholder with the last quick variant")
				}
				return nil
			}
			take := r.taker(next)
			if err := take(jpeg("8")); err != nil {
				t.Fatal(err)
			}
			take = r.taker(next)
			for _, v := range second {
				if err := take(v); err != nil {
					t.Fatal(err)
				}
			}
			slices.Sort(got)
			if want := []string{"16.avif", "16.jpg", "24.avif", "24.jpg", "8.avif", "8.jpg"}; !slices.Equal(got, want) || len(r.missing) > 0 {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestPlaceholderComesWithTheLastQuickVariant(t *testing.T) {
	r := (&Original{request: Request{Preset: fuzzPreset()}}).Render(t.Context())
	take := r.taker(func(v Variant) error { t.Errorf("took %v", v); return nil })
	if err := take(Variant{Name: "8", Format: media.JPEG}); !errors.Is(err, errGarbage) {
		t.Errorf("got %v", err)
	}
}
