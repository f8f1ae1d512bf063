package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// template is a CloudFormation template, as far as the checks read it.
type template struct {
	Parameters map[string]node     `json:"Parameters"`
	Conditions map[string]node     `json:"Conditions"`
	Resources  map[string]resource `json:"Resources"`
	Outputs    map[string]output   `json:"Outputs"`
}

type resource struct {
	Type                string `json:"Type"`
	Condition           string `json:"Condition"`
	DependsOn           node   `json:"DependsOn"`
	DeletionPolicy      string `json:"DeletionPolicy"`
	UpdateReplacePolicy string `json:"UpdateReplacePolicy"`
	Properties          node   `json:"Properties"`
}

type output struct {
	Value node `json:"Value"`
}

// props are the properties of the resource called id; those of one that is missing have nothing in them.
func (t template) props(id string) node { return t.Resources[id].Properties }

// ofType are the ids of all resources of that type.
func (t template) ofType(kind string) []string {
	var ids []string
	for id, r := range t.Resources {
		if r.Type == kind {
			ids = append(ids, id)
		}
	}
	return ids
}

// node is a value somewhere in a template: an object, a list, a scalar, or nothing at all. Looking into one
// that is not there gives nothing again, so a check can name a whole way and ask once what is at its end.
type node struct{ value any }

func (n *node) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &n.value) }

// at follows the keys of objects.
func (n node) at(keys ...string) node {
	for _, key := range keys {
		object, _ := n.value.(map[string]any)
		n = node{object[key]}
	}
	return n
}

// items are the elements of a list. A single value is a list of one, as in an IAM policy; of an Fn::If both
// branches are, but for AWS::NoValue.
func (n node) items() []node {
	var items []node
	switch v := n.value.(type) {
	case nil:
	case []any:
		for _, e := range v {
			items = append(items, node{e}.branches()...)
		}
	default:
		items = n.branches()
	}
	return items
}

// list are the elements of a list as they are.
func (n node) list() []node {
	elements, _ := n.value.([]any)
	list := make([]node, len(elements))
	for i, e := range elements {
		list[i] = node{e}
	}
	return list
}

// keys are those of an object.
func (n node) keys() []string {
	object, _ := n.value.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// only is the value that n has if the condition holds, and nothing unless n is an Fn::If that leaves it out
// otherwise.
func (n node) only(condition string) node {
	choice, ok := n.at("Fn::If").value.([]any)
	if !ok || len(choice) != 3 || choice[0] != condition || (node{choice[2]}).text() != "${AWS::NoValue}" {
		return node{}
	}
	return node{choice[1]}
}

// branches are the values that n may have: those of an Fn::If, or itself.
func (n node) branches() []node {
	choice, ok := n.at("Fn::If").value.([]any)
	if !ok || len(choice) != 3 {
		return []node{n}
	}
	var branches []node
	for _, b := range choice[1:] {
		if (node{b}).text() != "${AWS::NoValue}" {
			branches = append(branches, node{b})
		}
	}
	return branches
}

// texts are the elements of a list as [node.text] writes them.
func (n node) texts() []string {
	var texts []string
	for _, i := range n.items() {
		texts = append(texts, i.text())
	}
	return texts
}

// text writes a scalar, or an expression that makes one, in the way of Fn::Sub: a Ref as ${Name}, an
// Fn::GetAtt as ${Name.Attribute}. So two values are equal if their texts are, however they were written.
func (n node) text() string {
	switch v := n.value.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any:
		return n.expression()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// refers is the id of the resource that n is a reference to, or to an attribute of it.
func (n node) refers() string {
	match := variable.FindStringSubmatch(n.text())
	if match == nil {
		return ""
	}
	id, _, _ := strings.Cut(match[1], ".")
	return id
}

func (n node) expression() string {
	if name := n.at("Ref"); name.value != nil {
		return "${" + name.text() + "}"
	}
	if path := n.at("Fn::GetAtt"); path.value != nil {
		return "${" + strings.Join(path.texts(), ".") + "}"
	}
	if join, ok := n.at("Fn::Join").value.([]any); ok && len(join) == 2 {
		return strings.Join(node{join[1]}.texts(), node{join[0]}.text())
	}
	text, defined := substitution(n.at("Fn::Sub").value)
	for name, value := range defined {
		text = strings.ReplaceAll(text, "${"+name+"}", node{value}.text())
	}
	return text
}

// substitution takes an Fn::Sub apart: the text, and the variables that it defines itself.
func substitution(sub any) (text string, defined map[string]any) {
	if pair, ok := sub.([]any); ok && len(pair) == 2 {
		sub = pair[0]
		defined, _ = pair[1].(map[string]any)
	}
	text, _ = sub.(string)
	return text, defined
}
