// Package mediatest gives tests presets of their own, so that a change of the
// shipped ones breaks no test of the code that uses them.
package mediatest

import (
	"embed"

	"github.com/presize/presize/internal/media"
)

//go:embed presets.json
var files embed.FS

// Presets returns the presets photo, avatar and card of the contract.
func Presets() media.Presets {
	presets, err := media.ParsePresets(files)
	if err != nil {
		panic(err) // the file is part of the test
	}
	return presets
}

// Preset returns the preset of that name.
func Preset(name string) media.Preset {
	preset, ok := Presets().Find(name)
	if !ok {
		panic("no preset " + name)
	}
	return preset
}
