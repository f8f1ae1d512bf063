package media

import "strings"

// OutputSize is one size of a published upload.
type OutputSize struct {
	Name    string `json:"name"`
	Width   int    `json:"width"`
	Height  int    `json:"height"`
	AutoURL string `json:"autoUrl,omitempty"` // one URL for every browser, answered in the best format that it accepts
}

// OutputSizes lists the published sizes, in the order of the variants. Each has a JPEG,
// which every client can show.
//
// A size has an auto URL once its AVIF, WebP and JPEG are published, so that every client
// gets an answer. The sizes of an animation have none: the CDN chooses by the request
// alone and would answer with AVIF, where only WebP is animated.
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
