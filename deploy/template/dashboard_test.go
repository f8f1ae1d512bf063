package template_test

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/types"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const metricPackage = module + "internal/metric"

// TestDashboardShowsTheMetricsThatTheCodeMakes compares both: every metric is shown, and no
// graph is always empty.
func TestDashboardShowsTheMetricsThatTheCodeMakes(t *testing.T) {
	var made []string
	for name, function := range functions() {
		made = append(made, readCode(t, name+"/lambda").metrics(t, strings.ToLower(function))...)
	}
	compare(t, "made by the code", made, "shown", shownMetrics(t))
}

// metrics returns every metric that the code of a function makes: its function,
// namespace, dimensions and name.
func (c code) metrics(t *testing.T, function string) (all []string) {
	t.Helper()
	setting := func(name string) string {
		return constant.StringVal(c.packages[metricPackage].Scope().Lookup(name).(*types.Const).Val())
	}
	namespace, dimensions := setting("namespace"), setting("functionName")
	for _, files := range c.files {
		for _, file := range files {
			ast.Inspect(file, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok || !c.makesMetric(call) {
					return true
				}
				name := c.Types[call.Args[0]].Value
				if name == nil {
					t.Errorf("%v: can't tell the metric's name", c.position(call.Pos()))
					return true
				}
				metric := "{" + namespace + "," + dimensions + "} " + constant.StringVal(name) + " of " + function
				all = append(all, metric)
				if by := c.Types[call.Args[len(call.Args)-1]].Value; len(call.Args) == 2 && by != nil && by.Kind() == constant.String {
					all = append(all, strings.Replace(metric, "}", ","+constant.StringVal(by)+"}", 1))
				}
				return true
			})
		}
	}
	return all
}

// makesMetric reports whether a call is one of a function of package metric that
// returns an attribute.
func (c code) makesMetric(call *ast.CallExpr) bool {
	name, _ := call.Fun.(*ast.Ident)
	if selector, ok := call.Fun.(*ast.SelectorExpr); ok {
		name = selector.Sel
	}
	function, ok := c.Uses[name].(*types.Func)
	if !ok || function.Pkg() == nil || function.Pkg().Path() != metricPackage {
		return false
	}
	results := function.Signature().Results()
	return results.Len() == 1 && results.At(0).Type().String() == "log/slog.Attr"
}

// shownMetrics returns the metrics of our namespace in the dashboards.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
func shownMetrics(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "deploy/template/*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, body := range find(readYAML(t, "deploy/template/"+filepath.Base(file)), "DashboardBody") {
			var dashboard struct {
				Widgets []struct {
					Properties struct{ Metrics [][]any }
				}
			}
			if err := json.Unmarshal([]byte(body.Value), &dashboard); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for _, widget := range dashboard.Widgets {
				all = append(all, shownIn(widget.Properties.Metrics)...)
			}
		}
	}
	return all
}

// shownIn returns the metrics of our namespace in one widget.
func shownIn(rows [][]any) (all []string) {
	search := regexp.MustCompile(`SEARCH\('(\{presize,[^}]+\}) MetricName="(\w+)" FunctionName="\$\{(\w+)LambdaFunction\}"`)
	var above []string
	for _, row := range rows {
		var fields []string // namespace, name, and then dimensions, each a name and a value
		for _, value := range row {
			switch value := value.(type) {
			case string:
				fields = append(fields, value)
			case map[string]any:
				expression, _ := value["expression"].(string)
				for _, found := range search.FindAllStringSubmatch(expression, -1) {
					all = append(all, found[1]+" "+found[2]+" of "+strings.ToLower(found[3]))
				}
			}
		}
		if len(fields) == 0 {
			continue
		}
		fields = written(fields, above)
		above = fields
		if fields[0] != "presize" || len(fields) < 4 {
			continue
		}
		set, function := []string{fields[0]}, ""
		for i := 2; i+1 < len(fields); i += 2 {
			set = append(set, fields[i])
			if fields[i] == "FunctionName" {
				function = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(fields[i+1], "${"), "LambdaFunction}"))
			}
		}
		all = append(all, "{"+strings.Join(set, ",")+"} "+fields[1]+" of "+function)
	}
	return all
}

// written returns a row in full: "." stands for the field above, and "..." for all
// fields above that are not given.
func written(fields, above []string) []string {
	if fields[0] == "..." {
		fields = append(above[:len(above)-len(fields)+1:len(above)-len(fields)+1], fields[1:]...)
	}
	for i, field := range fields {
		if field == "." {
			fields[i] = above[i]
		}
	}
	return fields
}
