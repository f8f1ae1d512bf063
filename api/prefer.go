package api

import (
	"iter"
	"net/http"
	"strings"
)

// site returns the prefix of the URLs in an answer: the site if the client prefers absolute
// URLs, or else "".
func (s *service) site(header http.Header) string {
	for name := range preferences(header) {
		if strings.EqualFold(name, "absolute-urls") {
			return s.SiteURL
		}
	}
	return ""
}

// preferences yields the names and values of what a client prefers (RFC 7240 §2), without
// parameters.
func preferences(header http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for preference := range strings.SplitSeq(strings.Join(header.Values("Prefer"), ","), ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if !yield(strings.TrimSpace(name), value) {
				return
			}
		}
	}
}
