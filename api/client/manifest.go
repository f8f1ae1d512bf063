package client

import (
	"net/url"
	"time"
)

// State says how far an upload is.
type State string

// The states of an upload. Rejected and Failed are errors of the methods that wait.
const (
	Processing State = "processing"
	Ready      State = "ready" // every size exists in WebP and JPEG
	Rejected   State = "rejected"
	Failed     State = "failed"
)

// Manifest is what the service says of an upload. URLs are absolute. Those in Picture are so
// only if the service knows its own URL.
type Manifest struct {
	ID          string       `json:"id"`
	Status      State        `json:"status"`
	Complete    bool         `json:"complete"` // every variant exists, AVIF included
	Preset      string       `json:"preset,omitempty"`
	Rev         string       `json:"rev,omitempty"` // of the preset, a part of the variants' URLs
	Original    *Original    `json:"original,omitempty"`
	Placeholder *Placeholder `json:"placeholder,omitempty"`
	Variants    []Variant    `json:"variants,omitempty"`
	Sizes       []Size       `json:"sizes,omitempty"`
	Picture     string       `json:"picture,omitempty"` // an HTML <picture> element
	Rejection   *Rejection   `json:"rejection,omitempty"`
	Failure     *Failure     `json:"failure,omitempty"`
	Reference   string       `json:"reference,omitempty"` // only for those who own the upload
	Access      *Access      `json:"access,omitempty"`    // of a private upload
}

// Original describes the file received. Width and Height are in pixels, of the upright
// image, and 0 until it is processed.
type Original struct {
	ContentType string `json:"contentType"`
	Bytes       int64  `json:"bytes"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Animated    bool   `json:"animated,omitempty"`
	Frames      int    `json:"frames,omitempty"` // of an animation
}

// Placeholder is what a page shows until an image has loaded.
type Placeholder struct {
	ThumbHash string `json:"thumbhash"` // base64, see https://evanw.github.io/thumbhash/
	Color     string `json:"color"`     // #rrggbb, the average color
}

// Variant is one image. The bytes behind its URL never change until the upload is deleted.
type Variant struct {
	Name        string `json:"name"` // of the size, in the preset
	ContentType string `json:"contentType"`
	URL         string `json:"url"`
	Width       int    `json:"width"`  // pixels
	Height      int    `json:"height"` // pixels
	Bytes       int64  `json:"bytes"`
}

// Size is one size of the image. AutoURL is answered in the best format that the request
// accepts. It is empty until all formats exist, and for animations.
type Size struct {
	Name    string `json:"name"`
	Width   int    `json:"width"`  // pixels
	Height  int    `json:"height"` // pixels
	AutoURL string `json:"autoUrl,omitempty"`
}

// Rejection says why a file can't become an image.
type Rejection struct {
	Code   string `json:"code"`   // such as too-many-pixels, see api/README.md
	Detail string `json:"detail"` // a sentence for the person who uploaded the file
}

// Failure says what a person can be told of an upload that failed.
type Failure struct {
	Detail string `json:"detail"`
}

// Access is what opens the images of a private upload. The URLs of the manifest have the
// query already.
type Access struct {
	Query     string    `json:"query"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// resolve makes the manifest's URLs absolute that are not, because the service does not know its own.
func (m *Manifest) resolve(endpoint *url.URL) error {
	for i, variant := range m.Variants {
		absolute, err := endpoint.Parse(variant.URL)
		if err != nil {
			return err
		}
		m.Variants[i].URL = absolute.String()
	}
	for i, size := range m.Sizes {
		if size.AutoURL == "" {
			continue
		}
		absolute, err := endpoint.Parse(size.AutoURL)
		if err != nil {
			return err
		}
		m.Sizes[i].AutoURL = absolute.String()
	}
	return nil
}
