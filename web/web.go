// Package web holds the page, for the local stack to serve. On AWS the same files
// are in the site bucket.
package web

import "embed"

// FS is the page: index.html and what it loads.
//
//go:embed index.html style.css icon.svg
//go:embed app.js card.js diagram.js presize.js queue.js result.js thumbhash.js transport.js words.js
var FS embed.FS
