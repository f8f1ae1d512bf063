package media

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Status says how far an upload has come.
type Status string

const (
	Processing Status = "processing" // the original is there, the manifest is not
	Ready      Status = "ready"      // every quick variant is published
	Rejected   Status = "rejected"   // permanent: see Manifest.Rejection
	Failed     Status = "failed"     // our fault, for now: see Manifest.Failure
)

// MaxManifest is far more than any manifest has, in bytes.
const MaxManifest = 1 << 20

// Manifest is the published record of one upload: the last object that the
// worker writes, and what the upload API answers as the upload's status.
type Manifest struct {
	ID          ID           `json:"id"`
	Status      Status       `json:"status"`
	Complete    bool         `json:"complete"` // the slow variants are published too
	Preset      string       `json:"preset,omitempty"`
	Rev         string       `json:"rev,omitempty"`
	Original    *Original    `json:"original,omitempty"`
	Placeholder *Placeholder `json:"placeholder,omitempty"`
	Variants    []Variant    `json:"variants,omitempty"`
	Sizes       []OutputSize `json:"sizes,omitempty"`
	Picture     string       `json:"picture,omitempty"` // an HTML <picture> element
	Rejection   *Rejection   `json:"rejection,omitempty"`
	Failure     *Failure     `json:"failure,omitempty"` // with status Failed, where it is known
}

// Failure says what a person can be told of an upload that failed. The original is
// kept, and the worker tries again when its event is repeated.
type Failure struct {
	Detail string `json:"detail"`
}

// Original describes the bytes received. Width and Height are those of the
// upright image, and 0 where they are not known.
type Original struct {
	ContentType Format `json:"contentType"`
	Bytes       int64  `json:"bytes"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Animated    bool   `json:"animated,omitempty"`
	Frames      int    `json:"frames,omitempty"` // of an animation; 0 for a still image
}

// Placeholder is what a page shows until an image has loaded.
type Placeholder struct {
	ThumbHash string `json:"thumbhash"` // base64 (RFC 4648 §4) of the hash
	Color     string `json:"color"`     // #rrggbb, the average color
}

// Variant is one output image. Width, Height and Bytes are 0 until it is published.
type Variant struct {
	Name        string `json:"name"`
	ContentType Format `json:"contentType"`
	URL         string `json:"url"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Bytes       int64  `json:"bytes,omitempty"`
}

// SettledMaxAge is the Cache-Control directive of a settled manifest. It can still
// change, when the upload is deleted or rendered again.
const SettledMaxAge = "max-age=60"

// Settled reports whether the upload's status will not change any more, unless a failed
// one is tried again.
func (m Manifest) Settled() bool {
	return m.Status == Rejected || m.Status == Failed || m.Status == Ready && m.Complete
}

// Signed returns a copy of the manifest of a private upload, with a query added to
// every URL in it.
func (m Manifest) Signed(query string) Manifest {
	return m.withURLs(func(url string) string { return url + "?" + query })
}

// At returns a copy of the manifest with a site, its scheme and host, before every URL in it.
// With "" it is the manifest itself.
func (m Manifest) At(site string) Manifest {
	if site == "" {
		return m
	}
	return m.withURLs(func(url string) string { return site + url })
}

func (m Manifest) withURLs(change func(url string) string) Manifest {
	m.Variants, m.Sizes = slices.Clone(m.Variants), slices.Clone(m.Sizes)
	for i, variant := range m.Variants {
		m.Variants[i].URL = change(variant.URL)
	}
	for i, size := range m.Sizes {
		if size.AutoURL != "" {
			m.Sizes[i].AutoURL = change(size.AutoURL)
		}
	}
	if m.Picture != "" {
		m.Picture = Picture(m.Variants, m.Original.Animated)
	}
	return m
}

// Encode returns the manifest as JSON.
func (m Manifest) Encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // keeps the picture element readable
	if err := encoder.Encode(m); err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	return b.Bytes(), nil
}

// ParseManifest is the inverse of Manifest.Encode. It refuses a document that no
// worker can have written.
func ParseManifest(data []byte) (Manifest, error) {
	var m Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return Manifest{}, fmt.Errorf("parse manifest: %w", err)
	}
	if _, err := ParseID(string(m.ID)); err != nil {
		return Manifest{}, fmt.Errorf("parse manifest: %w", err)
	}
	switch m.Status {
	case Processing, Ready, Failed:
	case Rejected:
		if m.Rejection == nil {
			return Manifest{}, fmt.Errorf("parse manifest: rejected without a rejection")
		}
	default:
		return Manifest{}, fmt.Errorf("parse manifest: unknown status %q", m.Status)
	}
	return m, nil
}
