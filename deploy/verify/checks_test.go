package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// compiled returns the template that osls makes of serverless.yml, compiled once for all tests. The archives that it
// packages are empty: no check reads them.
var compiled = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "presize-verify-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	const root = "../.."
	service, err := os.ReadFile(root + "/serverless.yml")
	if err != nil {
		return nil, err
	}
	modules, err := filepath.Abs(root + "/deploy/node_modules")
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		os.WriteFile(dir+"/serverless.yml", service, 0o644),
		os.CopyFS(dir+"/deploy/template", os.DirFS(root+"/deploy/template")),
		os.Symlink(modules, dir+"/deploy/node_modules"),
		os.Mkdir(dir+"/dist", 0o755),
	)
	for _, artifact := range artifacts.FindAllSubmatch(service, -1) {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, string(artifact[1])), emptyZip, 0o644))
	}
	if err != nil {
		return nil, err
	}
	return compile(context.Background(), dir, packagings[0])
})

var (
	artifacts = regexp.MustCompile(`artifact: (dist/\S+\.zip)`)
	emptyZip  = append([]byte("PK\x05\x06"), make([]byte, 18)...)
)

func parse(t *testing.T, compiled []byte) template {
	t.Helper()
	var tmpl template
	if err := json.Unmarshal(compiled, &tmpl); err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func TestDeploymentKeepsEveryPromise(t *testing.T) {
	compiled, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range check(parse(t, compiled)) {
		t.Error(failure)
	}
}

func TestEmptyTemplateKeepsNoPromise(t *testing.T) {
	failures := check(template{})
	if len(failures) < 50 {
		t.Errorf("only %d checks failed: %q", len(failures), failures)
	}
}

// edited returns the compiled template with the value at the end of way replaced. A nil value takes it away.
func edited(t *testing.T, value any, way ...any) template {
	t.Helper()
	compiled, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(compiled, &doc); err != nil {
		t.Fatal(err)
	}
	parent := doc
	for _, step := range way[:len(way)-1] {
		parent = child(t, parent, step)
	}
	switch step := way[len(way)-1].(type) {
	case int:
		list := parent.([]any)
		list[step] = value
	case string:
		object := parent.(map[string]any)
		object[step] = value
		if value == nil {
			delete(object, step)
		}
	}
	changed, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, changed)
}

func child(t *testing.T, parent, step any) any {
	t.Helper()
	switch step := step.(type) {
	case int:
		return parent.([]any)[step]
	default:
		found, ok := parent.(map[string]any)[step.(string)]
		if !ok {
			t.Fatalf("the template has no %q", step)
		}
		return found
	}
}

// edit is one way to break the deployment, and a part of the sentence that must name it.
type edit struct {
	want  string
	value any
	way   []any
}

func way(steps ...any) []any              { return append([]any{"Resources"}, steps...) }
func props(id string, steps ...any) []any { return append(way(id, "Properties"), steps...) }

func testEdits(t *testing.T, edits map[string]edit) {
	for name, e := range edits {
		t.Run(name, func(t *testing.T) {
			failures := strings.Join(check(edited(t, e.value, e.way...)), "\n")
			if !strings.Contains(failures, e.want) {
				t.Errorf("no failure says %q; there are:\n%s", e.want, failures)
			}
		})
	}
}

func ref(id string) any          { return map[string]any{"Ref": id} }
func getAtt(id, name string) any { return map[string]any{"Fn::GetAtt": []any{id, name}} }
func sub(text string) any        { return map[string]any{"Fn::Sub": text} }

func TestReferences(t *testing.T) {
	testEdits(t, map[string]edit{
		"Ref to nothing":       {"WorkerLambdaFunction refers to Nothing", ref("Nothing"), props(worker, "Timeout")},
		"GetAtt of nothing":    {"WorkerLambdaFunction refers to Nothing", getAtt("Nothing", "Arn"), props(worker, "Timeout")},
		"Sub of nothing":       {"WorkerLambdaFunction refers to Nothing", sub("x-${Nothing.Arn}"), props(worker, "Timeout")},
		"DependsOn nothing":    {"FailureQueue refers to Nothing", "Nothing", way(failureQueue, "DependsOn")},
		"output of nothing":    {"output SiteUrl refers to Nothing", ref("Nothing"), []any{"Outputs", "SiteUrl", "Value"}},
		"queue names bucket":   {"FailureQueue -> InputBucket -> WorkQueue -> FailureQueue", ref(inputBucket), props(failureQueue, "QueueName")},
		"permission by bucket": {"InputBucket -> WorkQueuePolicy -> InputBucket", getAtt(inputBucket, "Arn"), props("WorkQueuePolicy", "PolicyDocument", "Statement", 0, "Condition", "ArnEquals", "aws:SourceArn")},
		"DependsOn in circle":  {"circle: FailureQueue -> FailureQueue", "FailureQueue", way(failureQueue, "DependsOn")},
	})
}

func TestParametersHaveAnEffect(t *testing.T) {
	tmpl := edited(t, "51", props(apiFunction, "ReservedConcurrentExecutions")...)
	failures := checkParameters(tmpl, []string{"apiConcurrency=51", "workerConcurrency=52", "priceClass=PriceClass_100"})
	if want := []string{"the parameter workerConcurrency must have an effect"}; !slices.Equal(failures, want) {
		t.Errorf("failures %q, want %q", failures, want)
	}
}

func TestSubstitutionRefersToNeitherItsOwnVariablesNorLiterals(t *testing.T) {
	value := map[string]any{"Fn::Sub": []any{"${!Literal} ${Own} ${Domain}", map[string]any{"Own": ref(outputBucket)}}}
	tmpl := edited(t, value, props(distribution, "Tags")...)
	if failures := check(tmpl); len(failures) > 0 {
		t.Errorf("failures: %q", failures)
	}
	if got := (node{value}).text(); got != "${!Literal} ${OutputBucket} ${Domain}" {
		t.Errorf("text = %q", got)
	}
}

func FuzzCheckSurvivesAnyTemplate(f *testing.F) {
	compiled, err := compiled()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(compiled)
	f.Add([]byte(`{"Resources":{"A":{"DependsOn":["A"],"Properties":{"X":{"Fn::Sub":["${A}"]},"Y":{"Fn::If":[]},"Z":{"Fn::GetAtt":"A.B"}}}}}`))
	f.Add([]byte(`{"Resources":{"Distribution":{"Properties":{"DistributionConfig":{"CacheBehaviors":[{"CachePolicyId":"${"}]}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var tmpl template
		if json.Unmarshal(data, &tmpl) == nil {
			check(tmpl)
		}
	})
}
