package internal_test

import (
	"slices"
	"strings"
	"testing"
)

// Each folder in deploy is a room of its own. The others use only what all deployments
// share, which is the template and the presets, and the local stack's queues and its doors
// for the operator's command.
func TestRoomsOfDeployKeepToThemselves(t *testing.T) {
	room := func(path string) string {
		below, _ := strings.CutPrefix(path, module+"/deploy/")
		name, _, _ := strings.Cut(below, "/")
		return name
	}
	shared := []string{"/deploy/template", "/deploy/presets", "/deploy/local/operator", "/deploy/local/queue", "/deploy/local/sqs"}
	for path, p := range load(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if !within(imported, module+"/deploy") || slices.Contains(shared, strings.TrimPrefix(imported, module)) {
				continue
			}
			if room(imported) != room(path) {
				t.Errorf("%s imports %s", path, imported)
			}
		}
	}
}

// The packages in internal know only two of their neighbours: the contract, and the
// events of S3.
func TestInternalPackagesDoNotKnowEachOther(t *testing.T) {
	for path, p := range load(t) {
		if !p.in(module+"/internal") || p.forTests() {
			continue
		}
		for _, imported := range p.Imports {
			if within(imported, module) && imported != module+"/internal/media" && imported != module+"/internal/s3event" && !within(imported, path) && !within(path, imported) {
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
