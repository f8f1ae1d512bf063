package vips

import (
	"bytes"
	"encoding/binary"
	stdimage "image"
	"image/gif"
	"testing"

	"github.com/presize/presize/internal/media"
)

// swappedProfile takes red for green, to be seen where it is used.
func swappedProfile() []byte {
	swapped := adobeSpace()
	swapped.red, swapped.green = swapped.green, swapped.red
	return swapped.profile("RGB ")
}

// unusableProfiles are ICC profiles that say nothing about an image in RGB or grey. Browsers
// show it as if it had none.
func unusableProfiles() map[string][]byte {
	whole := swappedProfile()
	with := func(change func([]byte)) []byte {
		changed := bytes.Clone(whole)
		change(changed)
		return changed
	}
	each := func(changed func(tag []byte)) []byte { // curve
		return with(func(b []byte) {
			for at := bytes.Index(b, []byte("curv")); at >= 0; {
				changed(b[at:])
				next := bytes.Index(b[at+4:], []byte("curv"))
				if next < 0 {
					return
				}
				at += 4 + next
			}
		})
	}
	table := []tag{{"A2B0", []byte("mft2\x00\x00\x00\x00\x03\x03\x02\x00 and no table")}}
	return map[string][]byte{
		"no profile at all":          bytes.Repeat([]byte("x"), 200),
		"too short":                  whole[:50],
		"a header only":              whole[:128],
		"no signature":               with(func(b []byte) { copy(b[36:], "zzzz") }),
		"a later version":            with(func(b []byte) { b[8] = 9 }),
		"of no size":                 with(func(b []byte) { clear(b[:4]) }),
		"no tags":                    writeProfile("mntrRGB XYZ ", 2, nil),
		"a tag is missing":           with(func(b []byte) { copy(b[132+12:], "none") }),
		"a tag beyond the end":       whole[:len(whole)-20],
		"curves of no known type":    each(func(tag []byte) { copy(tag, "junk") }),
		"curves longer than the tag": each(func(tag []byte) { binary.BigEndian.PutUint32(tag[8:], 1<<30) }),
		"a table that is cut off":    writeProfile("scnrRGB Lab ", 2, table),
		"connected to nothing":       with(func(b []byte) { copy(b[20:], "zzzz") }),
		"abstract":                   writeProfile("abstLab Lab ", 2, table),
		"named colors":               writeProfile("nmclRGB Lab ", 2, []tag{{"ncl2", make([]byte, 84)}}),
		"a device link":              writeProfile("linkRGB CMYK", 2, table),
		"of Lab":                     writeProfile("spacLab Lab ", 2, table),
		"of six inks":                writeProfile("prtr6CLRLab ", 2, table),
		"of HSV":                     with(func(b []byte) { copy(b[16:], "HSV ") }),
	}
}

func TestProfilesOfNoUseCountForNothing(t *testing.T) {
	colored, grey := chartImage(), chartIn("grey")
	cmykFile, cmyk := cmykChart(t)
	writers := map[string]func(icc []byte) []byte{
		"JPEG":          func(icc []byte) []byte { return writeJPEG(t, colored, extras{icc: icc}) },
		"JPEG in grey":  func(icc []byte) []byte { return writeJPEG(t, grey, extras{icc: icc}) },
		"JPEG of CMYK":  func(icc []byte) []byte { return addToJPEG(cmykFile, extras{icc: icc}) },
		"PNG":           func(icc []byte) []byte { return writePNG(t, colored, extras{icc: icc}) },
		"PNG of 16 bit": func(icc []byte) []byte { return writePNG(t, chartIn("rgb 16"), extras{icc: icc}) },
		"TIFF":          func(icc []byte) []byte { return writeTIFF(t, colored, 1, extras{icc: icc}) },
		"TIFF in grey":  func(icc []byte) []byte { return writeTIFF(t, grey, 1, extras{icc: icc}) },
		"TIFF of CMYK":  func(icc []byte) []byte { return writeTIFF(t, cmyk, 1, extras{icc: icc}) },
		"WebP":          func(icc []byte) []byte { return writeWebP(t, colored, extras{icc: icc}) },
	}
	for format, write := range writers {
		want := decodeWhole(t, write(nil))
		profiles := unusableProfiles()
		if format == "JPEG of CMYK" || format == "TIFF of CMYK" {
			profiles["of RGB"] = p3Space().profile("RGB ")
		} else {
			profiles["of CMYK"] = inkProfile()
		}
		for name, icc := range profiles {
			t.Run(format+"/"+name, func(t *testing.T) {
				if got := decodeWhole(t, write(icc)); !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("it changes the colors: %v, want %v", got.NRGBAAt(32, 32), want.NRGBAAt(32, 32))
				}
			})
		}
	}
}

// TestProfilesOfNoUseCountForNothingInAnimations takes the first frame's way, by tables, and
// that of the others.
func TestProfilesOfNoUseCountForNothingInAnimations(t *testing.T) {
	small := stdimage.Rect(0, 0, 96, 72)
	moving := encodeGIF(t, gif.GIF{Image: []*stdimage.Paletted{flat(small, red), flat(small, blue)}, Delay: []int{5, 5}})
	tiny := tiny()
	tiny.Sizes = tiny.Sizes[:1]
	tiny.Encoders = []media.Encoder{{Format: media.WebP, Quality: 80, Effort: 0}}
	plain := mustRender(t, moving, tiny)[0].Bytes
	want := mustRender(t, plain, tiny)[0].Bytes
	if got := mustRender(t, addToWebP(plain, swappedProfile()), tiny)[0].Bytes; bytes.Equal(got, want) {
		t.Error("a good profile counts for nothing too")
	}
	for name, icc := range unusableProfiles() {
		if got := mustRender(t, addToWebP(plain, icc), tiny)[0].Bytes; !bytes.Equal(got, want) {
			t.Errorf("%s: it changes the animation", name)
		}
	}
}

// addToWebP gives a WebP in the extended format (RFC 9649 §2.7) a profile.
func addToWebP(file, icc []byte) []byte {
	const header, hasProfile = 12 + 8 + 10, 0x20
	chunk := binary.LittleEndian.AppendUint32([]byte("ICCP"), uint32(len(icc)))
	chunk = append(chunk, icc...)
	if len(icc)%2 == 1 {
		chunk = append(chunk, 0)
	}
	out := append(append(bytes.Clone(file[:header]), chunk...), file[header:]...)
	out[20] |= hasProfile
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}
