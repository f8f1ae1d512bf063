package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestREADMEListsEveryErrorCode compares the three tables of README.md with the
// code that the error codes come from.
func TestREADMEListsEveryErrorCode(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	for code, kind := range kinds {
		problems = append(problems, "`"+string(code)+"` | "+strconv.Itoa(kind.status))
	}
	tests := []struct {
		begin, row string
		want       []string
	}{
		{"**Problems**", "(?m)^\\| (`[a-z-]+` \\| \\d+)", problems},
		{"**Rejections**", "(?m)^\\| `([a-z-]+)`", rejectionCodes(t)},
		{"**Client codes**", "(?m)^\\| `([a-z…-]+)`", clientCodes(t)},
	}
	for _, test := range tests {
		_, section, _ := strings.Cut(string(readme), test.begin)
		section, _, _ = strings.Cut(section, "\n**")
		var got []string
		for _, match := range regexp.MustCompile(test.row).FindAllStringSubmatch(section, -1) {
			got = append(got, match[1])
		}
		slices.Sort(got)
		slices.Sort(test.want)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s lists %q\nthe code has %q", test.begin, got, test.want)
		}
	}
}

// rejectionCodes returns the values of the constants of type media.Code.
func rejectionCodes(t *testing.T) (codes []string) {
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/media/rejection.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if of, ok := spec.Type.(*ast.Ident); ok && of.Name == "Code" {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	return codes
}

// clientCodes returns the codes that the client module makes up itself.
func clientCodes(t *testing.T) []string {
	codes := make(map[string]bool)
	for _, name := range []string{"service.js", "transport.js", "upload.js"} {
		source, err := os.ReadFile(filepath.Join("../web", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`new UploadError\('([a-z-]+)'`).FindAllSubmatch(source, -1) {
			codes[string(match[1])] = true
		}
		if strings.Contains(string(source), "`http-${") {
			codes["http-…"] = true
		}
	}
	return slices.Collect(maps.Keys(codes))
}
