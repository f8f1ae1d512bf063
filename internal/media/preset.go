package media

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
)

// Engine names what turns an original into pixels, apart from the preset. It is
// part of every revision: change it whenever the same original and preset would
// give other bytes, so that published URLs keep their meaning. A test of worker/vips
// fails when it must be changed.
const Engine = "bimg 1.1.9, libvips 8.18.7, libheif 1.23.0, libde265 1.1.0, render 5"

// EncoderThreads is the number of threads that encode one AVIF. With one, the last and
// largest AVIF would leave a processor idle. The number changes the bytes, because libaom
// cuts an image into pieces for its threads. So it is part of every revision.
const EncoderThreads = 2

// DefaultPreset is used where a client names none.
const DefaultPreset = "photo"

// Fit says how an image is brought to a size. Neither way enlarges or distorts.
type Fit string

const (
	Inside Fit = "inside" // the whole image, within the size
	Cover  Fit = "cover"  // the size is filled, and the rest is cropped away
)

// Crop says which part a Cover keeps.
type Crop string

const (
	Centre    Crop = "centre"    // the middle
	Attention Crop = "attention" // the part that draws the eye
)

// Preset is a named recipe: the variants that are made of an original.
type Preset struct {
	Name       string    `json:"name"`
	Fit        Fit       `json:"fit"`
	Crop       Crop      `json:"crop,omitempty"` // with Cover
	Sizes      []Size    `json:"sizes"`          // smallest first
	Background string    `json:"background"`     // #rrggbb, behind transparent pixels in JPEG
	Encoders   []Encoder `json:"encoders"`       // best first: the order of <source>

	Watermark *Watermark `json:"watermark,omitempty"`

	Rules        // what an original must be; they decide no pixels
	Private bool `json:"private,omitempty"` // published in [Private], to be seen with a signature only
}

// Area is where the preset's uploads are published.
func (p Preset) Area() Area {
	if p.Private {
		return Private
	}
	return Public
}

// Size is one output size in pixels. With Inside, Height 0 leaves the height free.
type Size struct {
	Width  int `json:"width"`
	Height int `json:"height,omitempty"`
}

// Name names the variants of this size, in URLs too.
func (s Size) Name() string { return strconv.Itoa(s.Width) }

// Encoder is one output format with its settings.
type Encoder struct {
	Format  Format `json:"format"`
	Quality int    `json:"quality"`          // 1 to 100, on a scale of the format's own
	Speed   int    `json:"speed,omitempty"`  // AVIF only: 1 (slowest) to 9
	Effort  int    `json:"effort,omitempty"` // WebP only: 1 to 6 (slowest)
}

// Quick reports whether the encoder is fast enough to be waited for: quick
// variants make an upload ready, the others make it complete.
func (e Encoder) Quick() bool { return e.Format != AVIF }

// QuickVariants is the number of quick variants that the preset makes.
func (p Preset) QuickVariants() int {
	quick := 0
	for _, encoder := range p.Encoders {
		if encoder.Quick() {
			quick += len(p.Sizes)
		}
	}
	return quick
}

// Inspected is the size whose JPEG the app is shown before an upload is published: the
// smallest that is at least 640 pixels wide, or else the largest.
func (p Preset) Inspected() Size {
	for _, size := range p.Sizes {
		if size.Width >= 640 {
			return size
		}
	}
	return p.Sizes[len(p.Sizes)-1]
}

// Rev is the revision of everything that decides the pixels of the preset's
// variants: the first 8 hex digits of a SHA-256 over the preset, [Engine],
// [EncoderThreads] and the image of the watermark.
func (p Preset) Rev() string {
	p.Rules, p.Private = Rules{}, false // who may upload what, and who may see it
	recipe, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and finite numbers always marshal
	}
	recipe = fmt.Appendf(recipe, "%s, %d threads", Engine, EncoderThreads)
	if p.Watermark != nil {
		recipe = append(recipe, p.Watermark.PNG...)
	}
	digest := sha256.Sum256(recipe)
	return hex.EncodeToString(digest[:4])
}

// Variants lists every variant of the preset for id, as far as it is known
// before the upload: name, content type and URL.
func (p Preset) Variants(id ID) []Variant {
	rev := p.Rev()
	variants := make([]Variant, 0, len(p.Encoders)*len(p.Sizes))
	for _, encoder := range p.Encoders {
		for _, size := range p.Sizes {
			variants = append(variants, Variant{
				Name:        size.Name(),
				ContentType: encoder.Format,
				URL:         URL(p.Area().VariantKey(id, rev, size.Name(), encoder.Format)),
			})
		}
	}
	return variants
}

// Presets is the list of presets that a service offers.
type Presets []Preset

// ParsePresets reads a JSON list of presets, presets.json, with the images that
// they name in the directory watermarks, and checks it. The error names everything
// that is wrong.
func ParsePresets(files fs.FS) (Presets, error) {
	data, err := fs.ReadFile(files, "presets.json")
	if err != nil {
		return nil, fmt.Errorf("parse presets: %w", err)
	}
	var presets Presets
	if err := decodeFile("presets.json", data, &presets); err != nil {
		return nil, err
	}
	var problems []error
	seen := make(map[string]bool)
	for _, preset := range presets {
		if seen[preset.Name] {
			problems = append(problems, fmt.Errorf("preset %q: listed twice", preset.Name))
		}
		seen[preset.Name] = true
		problems = append(problems, prefixed(fmt.Sprintf("preset %q", preset.Name), preset.check())...)
		if preset.Watermark != nil {
			problems = append(problems, prefixed(fmt.Sprintf("preset %q", preset.Name), preset.Watermark.load(files))...)
		}
	}
	if !seen[DefaultPreset] {
		problems = append(problems, fmt.Errorf("preset %q: missing", DefaultPreset))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return presets, nil
}

// Find returns the preset of that name.
func (p Presets) Find(name string) (Preset, bool) {
	for _, preset := range p {
		if preset.Name == name {
			return preset, true
		}
	}
	return Preset{}, false
}

// Of returns the preset that an original's label asks for, or the default one and
// false where there is none of that name. It is private if the label or the preset
// says so: neither a renamed preset nor one that was made private later publishes
// what is private.
func (p Presets) Of(label Label) (Preset, bool) {
	preset, found := p.Find(label.Preset)
	if !found {
		preset, _ = p.Find(DefaultPreset) // ParsePresets sees to it that there is one
	}
	preset.Private = preset.Private || label.Private
	return preset, found
}

// HavePrivate reports whether any of the presets is private.
func (p Presets) HavePrivate() bool {
	return slices.ContainsFunc(p, func(preset Preset) bool { return preset.Private })
}

var (
	presetName  = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	presetColor = regexp.MustCompile(`^#[0-9a-f]{6}$`)
)

func (p Preset) check() error {
	var problems []error
	expect := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	expect(presetName.MatchString(p.Name), "name: want lower-case letters, digits and hyphens")
	expect(presetColor.MatchString(p.Background), "background: want #rrggbb, not %q", p.Background)
	switch p.Fit {
	case Inside:
		expect(p.Crop == "", "crop: only goes with fit %q", Cover)
	case Cover:
		expect(p.Crop == Centre || p.Crop == Attention, "crop: want %q or %q, not %q", Centre, Attention, p.Crop)
	default:
		expect(false, "fit: want %q or %q, not %q", Inside, Cover, p.Fit)
	}
	expect(len(p.Sizes) > 0, "sizes: none")
	for i, size := range p.Sizes {
		expect(size.Width >= 1 && size.Width <= MaxEdge, "size %d: want a width from 1 to %d", i, MaxEdge)
		expect(size.Height <= MaxEdge && (size.Height >= 1 || size.Height == 0 && p.Fit == Inside),
			"size %d: want a height from 1 to %d", i, MaxEdge)
		expect(i == 0 || size.Width > p.Sizes[i-1].Width, "size %d: not wider than the one before", i)
	}
	formats := make(map[Format]bool)
	for i, encoder := range p.Encoders {
		avif, webp := encoder.Format == AVIF, encoder.Format == WebP
		expect(avif || webp || encoder.Format == JPEG, "encoder %d: can't write %q", i, encoder.Format)
		expect(!formats[encoder.Format], "encoder %d: %q listed twice", i, encoder.Format)
		expect(encoder.Quality >= 1 && encoder.Quality <= 100, "encoder %d: want a quality from 1 to 100", i)
		expect(avif && encoder.Speed >= 1 && encoder.Speed <= 9 || !avif && encoder.Speed == 0,
			"encoder %d: want a speed from 1 to 9 for AVIF, none otherwise", i)
		expect(webp && encoder.Effort >= 1 && encoder.Effort <= 6 || !webp && encoder.Effort == 0,
			"encoder %d: want an effort from 1 to 6 for WebP, none otherwise", i)
		formats[encoder.Format] = true
	}
	problems = append(problems, p.Rules.check()...)
	expect(formats[JPEG], "encoders: image/jpeg is missing, which every client can show")
	return errors.Join(problems...)
}
