// Package presets holds the presets that the service ships with: presets.json, and
// the images of watermarks. Both are built into the programs that use them.
package presets

import (
	"embed"

	"github.com/presize/presize/internal/media"
)

//go:embed presets.json watermarks
var files embed.FS

// Shipped returns the presets of presets.json. The error names everything that is
// wrong with them.
func Shipped() (media.Presets, error) { return media.ParsePresets(files) }
