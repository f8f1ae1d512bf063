package media

import "strings"

// OutputSize is one size of an upload as it is published.
type OutputSize struct {
	Name    string `json:"name"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	AutoURL string `json:"autoUrl,omitempty"` // one URL for every browser: answered with the best format that it accepts
}

// OutputSizes lists the sizes that are published, in the order of the variants. Each
// has a JPEG, which every client can show.
//
// A size has an auto URL as soon as it is there in AVIF, WebP and JPEG, so that every
// client gets an answer. The CDN chooses by the request alone: it does not know that
// of an animation only WebP moves, so the sizes of an animation have none.
func OutputSizes(variants []Variant, animated bool) (sizes []OutputSize) {
	published := make(map[string]bool)
	for _, v := range variants {
		published[v.URL] = true
	}
	for _, v := range variants {
		if v.ContentType != JPEG {
			continue
		}
		size := OutputSize{Name: v.Name, Width: v.Width, Height: v.Height}
		auto := strings.TrimSuffix(v.URL, JPEG.Extension())
		if !animated && published[auto+AVIF.Extension()] && published[auto+WebP.Extension()] {
			size.AutoURL = auto
		}
		sizes = append(sizes, size)
	}
	return sizes
}
