package edge_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dop251/goja/ast"
	"github.com/dop251/goja/parser"
	"github.com/dop251/goja/token"
)

// functionLimit is what CloudFront takes, in bytes.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions
const functionLimit = 10 << 10

func TestFunctionsStayInsideTheirRuntime(t *testing.T) {
	all := functions(t)
	if len(all) != 3 { // by path: one of them twice
		t.Errorf("%d functions", len(all))
	}
	for pattern, function := range all {
		if len(function.Code) > functionLimit {
			t.Errorf("%s: %s has %d bytes", pattern, function.Name, len(function.Code))
		}
		if strings.Contains(function.Code, "${") {
			t.Errorf("%s: %s has what osls takes for a variable", pattern, function.Name)
		}
		for _, finding := range beyondRuntime(t, function.Code) {
			t.Errorf("%s: %s is beyond the runtime: %s", pattern, function.Name, finding)
		}
	}
}

func TestWhatTheRuntimeLacksIsFound(t *testing.T) {
	for _, code := range []string{
		`for (const x of []) {}`,
		`const { a } = {};`,
		`const [a] = [];`,
		`const a = [...[]];`,
		`const a = {}; a?.b;`,
		`const a = 0 ?? 1;`,
		`class A {}`,
		`function* a() {}`,
		`async function a() { await 0; }`,
		`const a = 1; const b = { a };`,
		`function a(b = 1) {}`,
		`eval('0');`,
		`const a = Function;`,
		`setTimeout(() => 0);`,
		`fetch('/');`,
		`console.log(1);`,
		`new Date();`,
		`[].flat();`,
		`[].at(0);`,
		`'a'.replaceAll('a', 'b');`,
		`/(?<=a)b/.test('ab');`,
	} {
		if len(beyondRuntime(t, code)) == 0 {
			t.Errorf("nothing is found in %s", code)
		}
	}
}

// The part of cloudfront-js-2.0 that a function of ours may use: ECMAScript 5.1, and of later editions const, let,
// arrow functions and template literals. The runtime has a little more, but no more is needed.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
var (
	runtimeSyntax = strings.Fields(`
		ArrayLiteral ArrowFunctionLiteral AssignExpression BinaryExpression Binding BlockStatement BooleanLiteral
		BracketExpression BranchStatement CallExpression CaseStatement CatchStatement ConditionalExpression
		DoWhileStatement DotExpression EmptyStatement ExpressionBody ExpressionStatement ForStatement
		FunctionDeclaration FunctionLiteral Identifier IfStatement LabelledStatement LexicalDeclaration NullLiteral
		NumberLiteral ObjectLiteral ParameterList Program PropertyKeyed RegExpLiteral ReturnStatement
		SequenceExpression StringLiteral SwitchStatement TemplateElement TemplateLiteral ThisExpression
		ThrowStatement TryStatement UnaryExpression VariableDeclaration VariableStatement WhileStatement`)
	runtimeGlobals = strings.Fields(`
		undefined NaN Infinity Array Boolean Error JSON Math Number Object RegExp String isFinite isNaN parseFloat
		parseInt decodeURIComponent encodeURIComponent`)
	runtimeMethods = strings.Fields(`
		charAt charCodeAt concat every exec filter forEach hasOwnProperty indexOf isArray join keys lastIndexOf map match
		max min parse pop push reduce replace reverse round search shift slice some sort splice split stringify
		substring test toLowerCase toString toUpperCase trim unshift`)
)

// beyondRuntime lists what a script uses beyond that part.
func beyondRuntime(t *testing.T, code string) (findings []string) {
	t.Helper()
	program, err := parser.ParseFile(nil, "", code, 0)
	if err != nil {
		t.Fatal(err)
	}
	nodes := inside(reflect.ValueOf(program))
	names := append(declared(nodes), runtimeGlobals...)
	for _, node := range nodes {
		if kind := reflect.TypeOf(node).Elem().Name(); !slices.Contains(runtimeSyntax, kind) {
			findings = append(findings, kind)
		}
		switch node := node.(type) {
		case *ast.Identifier:
			if name := node.Name.String(); !slices.Contains(names, name) {
				findings = append(findings, "global "+name)
			}
		case *ast.CallExpression:
			if callee, ok := node.Callee.(*ast.DotExpression); ok && !slices.Contains(runtimeMethods, callee.Identifier.Name.String()) {
				findings = append(findings, "method "+callee.Identifier.Name.String())
			}
		case *ast.BinaryExpression:
			if node.Operator == token.COALESCE {
				findings = append(findings, "operator ??")
			}
		case *ast.FunctionLiteral:
			if node.Async || node.Generator {
				findings = append(findings, "function that is async or a generator")
			}
		case *ast.ParameterList:
			if node.Rest != nil || slices.ContainsFunc(node.List, func(b *ast.Binding) bool { return b.Initializer != nil }) {
				findings = append(findings, "parameter with a default, or for the rest")
			}
		case *ast.RegExpLiteral:
			if strings.Contains(node.Pattern, "(?") {
				findings = append(findings, "group of a later edition in /"+node.Pattern+"/")
			}
		}
	}
	return findings
}

// declared returns the names that a script gives to anything.
func declared(nodes []any) (names []string) {
	add := func(target any) {
		if name, ok := target.(*ast.Identifier); ok && name != nil {
			names = append(names, name.Name.String())
		}
	}
	for _, node := range nodes {
		switch node := node.(type) {
		case *ast.Binding:
			add(node.Target)
		case *ast.FunctionLiteral:
			add(node.Name)
		case *ast.CatchStatement:
			add(node.Parameter)
		}
	}
	return names
}

// inside returns every node of a syntax tree. The name behind a dot is none.
func inside(value reflect.Value) (nodes []any) {
	switch value.Kind() {
	case reflect.Interface:
		return inside(value.Elem())
	case reflect.Pointer:
		if value.IsNil() || value.Type().Elem().PkgPath() != reflect.TypeFor[ast.Program]().PkgPath() {
			return nil
		}
		nodes = append(nodes, value.Interface())
		for i := range value.Elem().NumField() {
			if name := value.Elem().Type().Field(i).Name; name != "DeclarationList" {
				nodes = append(nodes, inside(value.Elem().Field(i))...)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			nodes = append(nodes, inside(value.Index(i))...)
		}
	}
	return nodes
}
