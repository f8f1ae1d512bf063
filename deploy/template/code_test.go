package template_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/presize/presize/"

// code is everything of ours that a main is made of, checked for types.
type code struct {
	*types.Info
	packages map[string]*types.Package // by path
	files    map[string][]*ast.File    // by path of the package
	position func(token.Pos) token.Position
}

// readCode reads what the main in a folder of the repository is made of. All of it
// counts as used: none of our packages has a function that no main needs.
func readCode(t *testing.T, main string) code {
	t.Helper()
	set := token.NewFileSet()
	c := code{
		Info: &types.Info{
			Types:      make(map[ast.Expr]types.TypeAndValue),
			Uses:       make(map[*ast.Ident]types.Object),
			Defs:       make(map[*ast.Ident]types.Object),
			Selections: make(map[*ast.SelectorExpr]*types.Selection),
		},
		packages: make(map[string]*types.Package),
		files:    make(map[string][]*ast.File),
		position: set.Position,
	}
	compiled := make(map[string]string) // files of export data by path
	others := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(compiled[path]) })
	goOn := func(error) {} // to the end of the package; what Check returns is the first error
	config := types.Config{FakeImportC: true, Error: goOn, Importer: importerFunc(func(path string) (*types.Package, error) {
		if p, ok := c.packages[path]; ok {
			return p, nil
		}
		return others.Import(path)
	})}
	for _, p := range listPackages(t, main) {
		compiled[p.ImportPath] = p.Export
		if !strings.HasPrefix(p.ImportPath, module) {
			continue
		}
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			c.files[p.ImportPath] = append(c.files[p.ImportPath], file)
		}
		var err error
		if c.packages[p.ImportPath], err = config.Check(p.ImportPath, set, c.files[p.ImportPath], c.Info); err != nil && len(p.CgoFiles) == 0 { // lengths that C declares are not known here
			t.Fatal(err)
		}
	}
	return c
}

type importerFunc func(path string) (*types.Package, error)

func (f importerFunc) Import(path string) (*types.Package, error) { return f(path) }

type listed struct {
	ImportPath, Dir, Export string
	GoFiles, CgoFiles       []string
}

// listPackages returns a package and all that it depends on, each after those that
// it imports.
func listPackages(t *testing.T, path string) (all []listed) {
	t.Helper()
	command := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles", "./"+path)
	command.Dir = root
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, &stderr)
	}
	for decoder := json.NewDecoder(bytes.NewReader(output)); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// root is the repository's. It is absolute because the S3 server of the tests
// changes the working directory.
var root, _ = filepath.Abs("../..")

// calls yields every mention of a function, with the function it stands in: what is
// handed over as a value will be called too.
func (c code) calls(path string, yield func(in *ast.FuncDecl, expression ast.Expr, function *types.Func)) {
	for _, file := range c.files[path] {
		for _, declaration := range file.Decls {
			in, _ := declaration.(*ast.FuncDecl)
			ast.Inspect(declaration, func(node ast.Node) bool {
				switch node := node.(type) {
				case *ast.SelectorExpr:
					if function, ok := c.Uses[node.Sel].(*types.Func); ok {
						yield(in, node, function.Origin())
					}
				case *ast.Ident:
					if function, ok := c.Uses[node].(*types.Func); ok && function.Pkg() != nil && function.Pkg().Path() == path {
						yield(in, node, function.Origin())
					}
				}
				return true
			})
		}
	}
}
