// Package web holds the page's files, and the headers for serving them. The local stack
// serves them from here; on AWS they are in the site bucket.
package web

import (
	"embed"
	"path"
)

// FS has the page's files: index.html, api.html, and the files that they load.
//
//go:embed index.html api.html style.css icon.svg
//go:embed api.js app.js batch.js card.js code.js deletion.js diagram.js files.js kept.js many.js openapi.js panel.js
//go:embed prepare.js presize.js queue.js result.js service.js shrink.js sniff.js snippets.js
//go:embed thumbhash.js transport.js unfinished.js upload.js words.js worker.js
var FS embed.FS

// Index is the file of FS for /, which loads all others.
const Index = "index.html"

// CacheControl is the header Cache-Control of every file of the page. File names do not
// change with their content, so browsers must revalidate each time, and mostly get a 304.
// The CDN keeps files for a day, because publishing a file invalidates the old one.
const CacheControl = "public, max-age=0, must-revalidate, s-maxage=86400"

// ContentType is the media type of a file of the page, or "" for other kinds of files. It
// does not depend on the system's list of types.
func ContentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml" // XML is UTF-8 by default
	}
	return ""
}
