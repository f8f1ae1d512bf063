package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// variable is what Fn::Sub replaces: ${Name} and ${Name.Attribute}, but not ${!Literal}.
var variable = regexp.MustCompile(`\$\{([^!}][^}]*)\}`)

// references are the names of the resources, parameters and pseudo parameters that v refers to.
func references(v any) []string {
	var names []string
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			names = append(names, references(e)...)
		}
	case map[string]any:
		for key, e := range v {
			switch key {
			case "Ref":
				names = append(names, node{e}.text())
			case "Fn::GetAtt":
				name, _, _ := strings.Cut(strings.Join(node{e}.texts(), "."), ".")
				names = append(names, name)
			case "Fn::Sub":
				names = append(names, substituted(e)...)
			default:
				names = append(names, references(e)...)
			}
		}
	}
	return names
}

// substituted are the names that an Fn::Sub refers to: in its text, but for those that it defines itself, and
// in the definitions.
func substituted(sub any) []string {
	text, defined := substitution(sub)
	var names []string
	for _, value := range defined {
		names = append(names, references(value)...)
	}
	for _, match := range variable.FindAllStringSubmatch(text, -1) {
		name, _, _ := strings.Cut(match[1], ".")
		if _, own := defined[name]; !own {
			names = append(names, name)
		}
	}
	return names
}

// needs are the resources that must be there before the one called id.
func (t template) needs(id string) []string {
	r := t.Resources[id]
	names := slices.Concat(r.DependsOn.texts(), references(r.Properties.value))
	names = slices.DeleteFunc(names, func(name string) bool {
		_, ok := t.Resources[name]
		return !ok
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// cycle is a way along the needs of resources that ends where it begins, or nothing.
func (t template) cycle() []string {
	done := map[string]bool{}
	var visit func(id string, way []string) []string
	visit = func(id string, way []string) []string {
		if i := slices.Index(way, id); i >= 0 {
			return append(slices.Clone(way[i:]), id)
		}
		if done[id] {
			return nil
		}
		for _, need := range t.needs(id) {
			if found := visit(need, append(way, id)); found != nil {
				return found
			}
		}
		done[id] = true
		return nil
	}
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if found := visit(id, nil); found != nil {
			return found
		}
	}
	return nil
}

// checkParameters finds the params, each "name=value", that have come to nothing, one sentence each.
func checkParameters(t template, params []string) (failures []string) {
	values := map[string]bool{}
	for _, parameter := range t.Parameters {
		collect(parameter.value, values)
	}
	for _, resource := range t.Resources {
		collect(resource.Properties.value, values)
	}
	for _, param := range params {
		name, value, _ := strings.Cut(param, "=")
		if !values[value] && name != "chosen" { // which is recorded for the next deployment only
			failures = append(failures, "the parameter "+name+" must have an effect")
		}
	}
	return failures
}

// collect adds every scalar in v to values.
func collect(v any, values map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collect(e, values)
		}
	case map[string]any:
		for _, e := range v {
			collect(e, values)
		}
	default:
		values[node{v}.text()] = true
	}
}

// checkReferences finds what CloudFormation would refuse before it creates anything.
func checkReferences(t template, r *report) {
	known := func(name string) bool {
		_, parameter := t.Parameters[name]
		_, resource := t.Resources[name]
		return parameter || resource || strings.HasPrefix(name, "AWS::")
	}
	for id, res := range t.Resources {
		for _, name := range slices.Concat(res.DependsOn.texts(), references(res.Properties.value)) {
			r.want(known(name), "%s refers to %s, which must exist", id, name)
		}
	}
	for id, out := range t.Outputs {
		for _, name := range references(out.Value.value) {
			r.want(known(name), "output %s refers to %s, which must exist", id, name)
		}
	}
	cycle := t.cycle()
	r.want(cycle == nil, "resources must not need each other in a circle: %s", strings.Join(cycle, " -> "))
}
