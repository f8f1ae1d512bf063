// Package internal_test holds the rules of the repository's structure, which no
// compiler checks.
package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	module = "github.com/presize/presize"
	bimg   = "github.com/h2non/bimg"
)

// goPackage is what go list tells of a package.
type goPackage struct {
	ImportPath string
	Name       string
	Dir        string
	Standard   bool
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	Deps       []string // all of them, in any depth

	TestImports, XTestImports []string
}

func (p goPackage) ours() bool { return p.in(module) }

// in reports whether the package is dir or below it.
func (p goPackage) in(dir string) bool { return within(p.ImportPath, dir) }

// forTests reports whether a package of ours is one that tests share.
func (p goPackage) forTests() bool { return p.ours() && strings.HasSuffix(p.Name, "test") }

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }

// files are the package's sources, tests not included.
func (p goPackage) files() (paths []string) {
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		paths = append(paths, filepath.Join(p.Dir, name))
	}
	return paths
}

// all are the packages of the module and those that they import, listed once for
// all tests.
var all = sync.OnceValues(list)

func load(t *testing.T) map[string]goPackage {
	t.Helper()
	packages, err := all()
	if err != nil {
		t.Fatal(err)
	}
	return packages
}

func list() (map[string]goPackage, error) {
	output, err := run("env", "CGO_ENABLED=1", "go", "list", "-deps",
		"-json=ImportPath,Name,Dir,Standard,GoFiles,CgoFiles,Imports,Deps,TestImports,XTestImports", "./...")
	if err != nil {
		return nil, err
	}
	packages := make(map[string]goPackage)
	decoder := json.NewDecoder(strings.NewReader(output))
	for {
		var p goPackage
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, err
		}
		packages[p.ImportPath] = p
		if p.ours() {
			// What is opened here is what a result in go test's cache depends on.
			if _, err := os.ReadDir(p.Dir); err != nil {
				return nil, err
			}
		}
	}
}

// run returns what a command prints, run in the repository's root.
func run(name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir = ".."
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", command, err, stderr.String())
	}
	return string(output), nil
}

func TestContractImportsTheStandardLibraryOnly(t *testing.T) {
	packages := load(t)
	media, ok := packages[module+"/internal/media"]
	if !ok {
		t.Fatal("there is no package internal/media")
	}
	for _, path := range media.Imports {
		if !packages[path].Standard {
			t.Errorf("internal/media imports %s", path)
		}
	}
}

// The floors of the house: what is below never imports what is above, not even in tests.
func TestImportsGoDownOnly(t *testing.T) {
	above := map[string][]string{
		"/internal": {"/api", "/worker", "/web", "/layers", "/deploy"},
		"/api":      {"/deploy"},
		"/worker":   {"/deploy"},
		"/web":      {"/api", "/worker", "/layers", "/deploy"},
	}
	for path, p := range load(t) {
		for floor, others := range above {
			if !p.in(module + floor) {
				continue
			}
			for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if imported == module+"/deploy/presets" && p.Name == "main" {
					continue // mains put the shipped presets in
				}
				for _, other := range others {
					if within(imported, module+other) {
						t.Errorf("%s imports %s", path, imported)
					}
				}
			}
		}
	}
}

func TestAPIAndWorkerDoNotKnowEachOther(t *testing.T) {
	api, worker := module+"/api", module+"/worker"
	for path, p := range load(t) {
		for _, dep := range p.Deps {
			if p.in(api) && within(dep, worker) || p.in(worker) && within(dep, api) {
				t.Errorf("%s depends on %s", path, dep)
			}
		}
	}
}

func TestCgoIsInOnePackage(t *testing.T) {
	packages := load(t)
	for path, p := range packages {
		if !p.ours() || path == module+"/worker/vips" {
			continue
		}
		if len(p.CgoFiles) > 0 {
			t.Errorf("%s uses cgo", path)
		}
		if slices.Contains(p.Imports, bimg) {
			t.Errorf("%s imports bimg", path)
		}
	}
	for _, program := range []string{"/api/lambda", "/worker/lambda", "/worker/notify/lambda", "/worker/renderer/renderertest", "/deploy/local", "/deploy/presize"} {
		for _, dep := range packages[module+program].Deps {
			if p := packages[dep]; !p.Standard && len(p.CgoFiles) > 0 {
				t.Errorf("%s depends on %s, which uses cgo", program, dep)
			}
		}
	}
}

func TestOperatorsToolsAreNotInTheLambdas(t *testing.T) {
	packages := load(t)
	for _, main := range []string{"/api/lambda", "/worker/lambda", "/worker/notify/lambda"} {
		for _, dep := range packages[module+main].Deps {
			if within(dep, "github.com/vbauerster") || dep == "github.com/aws/aws-sdk-go-v2/service/cloudformation" || within(dep, module+"/deploy/presize") {
				t.Errorf("%s depends on %s", main, dep)
			}
		}
	}
}

func TestNoVagueNames(t *testing.T) {
	for path, p := range load(t) {
		if p.ours() && slices.Contains([]string{"util", "utils", "common", "types", "helper", "helpers", "models"}, p.Name) {
			t.Errorf("%s is named %s", path, p.Name)
		}
	}
}

func TestTopLevelIsAsDesigned(t *testing.T) {
	designed := []string{
		".ci", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "api",
		"deploy", "go.mod", "go.sum", "internal", "layers", "serverless.yml", "web", "worker",
	}
	files, err := run("git", "ls-files")
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.Lines(files) {
		top, _, _ := strings.Cut(strings.TrimSpace(file), "/")
		if !slices.Contains(designed, top) {
			t.Errorf("%s is at the top level", strings.TrimSpace(file))
		}
	}
}

func TestSourcesKeepTheRules(t *testing.T) {
	for path, p := range load(t) {
		if !p.ours() {
			continue
		}
		mayReadEnvironment := p.Name == "main" || p.in(module+"/deploy/local")
		for _, name := range p.files() {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, offence := range offences(file, mayReadEnvironment) {
				t.Errorf("%s: %s: %s", path, files.Position(offence.at), offence.what)
			}
		}
	}
}

// offence is a place where a source breaks a rule.
type offence struct {
	at   token.Pos
	what string
}

func offences(file *ast.File, mayReadEnvironment bool) (found []offence) {
	system := systemPackages(file)
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncDecl:
			if node.Name.Name == "init" && node.Recv == nil {
				found = append(found, offence{node.Pos(), "func init"})
			}
		case *ast.InterfaceType:
			if node.Methods.NumFields() > 3 {
				found = append(found, offence{node.Pos(), "an interface with more than three methods"})
			}
		case *ast.SelectorExpr:
			from, ok := node.X.(*ast.Ident)
			reads := slices.Contains([]string{"Getenv", "LookupEnv", "Environ", "ExpandEnv"}, node.Sel.Name)
			if ok && reads && system[from.Name] && !mayReadEnvironment {
				found = append(found, offence{node.Pos(), fmt.Sprintf("%s.%s outside of a main", from.Name, node.Sel.Name)})
			}
		}
		return true
	})
	return found
}

// systemPackages are the names under which a file imports what can read the environment.
func systemPackages(file *ast.File) map[string]bool {
	names := make(map[string]bool)
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil || path != "os" && path != "syscall" {
			continue
		}
		names[path] = spec.Name == nil
		if spec.Name != nil {
			names[spec.Name.Name] = true
		}
	}
	return names
}

func TestRulesFindWhatBreaksThem(t *testing.T) {
	source := `package p
		import system "os"
		func init() {}
		var home = system.Getenv("HOME")
		type wide interface { A(); B(); C(); D() }
		type narrow interface { A(); B(); C() }
		func (narrowed) init() {}`
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	if found := offences(file, false); len(found) != 3 {
		t.Errorf("found %v", found)
	}
	if found := offences(file, true); len(found) != 2 {
		t.Errorf("found in a main: %v", found)
	}
}
