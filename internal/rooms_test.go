package internal_test

import (
	"slices"
	"strings"
	"testing"
)

// Each folder in deploy is a room of its own. Only what all deployments share is
// used from the others: what is deployed, and the presets.
func TestRoomsOfDeployKeepToThemselves(t *testing.T) {
	room := func(path string) string {
		below, _ := strings.CutPrefix(path, module+"/deploy/")
		name, _, _ := strings.Cut(below, "/")
		return name
	}
	for path, p := range load(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !within(imported, module+"/deploy") || slices.Contains([]string{"template", "presets", "stack"}, room(imported)) {
				continue
			}
			if room(imported) != room(path) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}

// Nothing in internal but the contract is known to its neighbours.
func TestInternalPackagesDoNotKnowEachOther(t *testing.T) {
	for path, p := range load(t) {
		if !p.in(module+"/internal") || p.forTests() {
			continue
		}
		for _, imported := range p.Imports {
			if within(imported, module) && imported != module+"/internal/media" && !within(imported, path) && !within(path, imported) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}

func TestPackagesForTestsAreInTestsOnly(t *testing.T) {
	packages := load(t)
	for path, p := range packages {
		if !p.ours() || p.forTests() {
			continue
		}
		for _, imported := range p.Imports {
			if packages[imported].forTests() {
				t.Errorf("%s imports %s outside of its tests", path, imported)
			}
		}
	}
}
