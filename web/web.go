// Package web holds the page and what its files are served with. The local stack
// serves them from here; on AWS they are in the site bucket.
package web

import (
	"embed"
	"path"
)

// FS is the page: index.html and what it loads.
//
//go:embed index.html style.css icon.svg
//go:embed app.js card.js diagram.js presize.js queue.js result.js thumbhash.js transport.js words.js
var FS embed.FS

// Index is the file of FS that stands for /, and that leads to all others.
const Index = "index.html"

// CacheControl is what every file of the page is served with. None of their names
// change with their bytes, so a browser asks each time whether its copy still
// holds, and mostly hears that it does. The CDN need not ask: whoever publishes a
// file tells it to forget the old one. Should that go astray, it asks after a day.
const CacheControl = "public, max-age=0, must-revalidate, s-maxage=86400"

// ContentType is what a file of the page is served as, or "" for a kind that the
// page has none of. It does not depend on what the machine knows of types.
func ContentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml" // XML says itself that it is UTF-8
	}
	return ""
}
