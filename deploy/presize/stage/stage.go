// Package stage reads the parameters of a stage: the defaults in serverless.yml, the
// stage file deploy/stages/NAME.yml, and what is set for one deployment only. It finds
// values that contradict each other before anything is built.
package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parameters are the parameters of a stage. The values are text. An empty one stands
// for the default.
type Parameters struct {
	// File is the stage file. It need not exist.
	File string
	// Defaults has every parameter.
	Defaults map[string]string
	// Set has the parameters that the file or an override sets.
	Set map[string]string
	// patterns are regular expressions that values must match, by parameter.
	patterns map[string]string
}

// Computed are the parameters that make deploy finds out itself.
var Computed = []string{"signingKeyA", "signingKeyB", "signingKey", "originDigestA", "originDigestB", "originVersion", chosen}

// Chosen are the parameters that make deploy chooses by the account's limits, where nothing
// sets them.
var Chosen = []string{"workerConcurrency", "heldAnswers"}

// chosen is the parameter with the names of those that were chosen, by which the next
// deployment knows that nobody has set them.
const chosen = "chosen"

// Read reads the parameters of a stage from a checkout. Overrides are "name=value" each.
// The error names every mistake that is in the files and overrides.
func Read(checkout fs.FS, name string, overrides []string) (Parameters, error) {
	p := Parameters{File: "deploy/stages/" + name + ".yml", Set: make(map[string]string)}
	var service struct {
		Params map[string]map[string]yaml.Node `yaml:"params"`
	}
	if err := decode(checkout, "serverless.yml", &service); err != nil {
		return p, err
	}
	var err error
	if p.Defaults, err = texts(service.Params["default"]); err != nil {
		return p, fmt.Errorf("serverless.yml: %w", err)
	}
	if p.patterns, err = patterns(checkout); err != nil {
		return p, err
	}
	var file map[string]yaml.Node
	if err := decode(checkout, p.File, &file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	set, wrong := texts(file)
	if wrong != nil {
		wrong = fmt.Errorf("%s: %w", p.File, wrong)
	}
	mistakes := []error{wrong}
	if _, ok := service.Params[name]; ok {
		mistakes = append(mistakes, fmt.Errorf("serverless.yml: move the parameters of the stage %s to %s", name, p.File))
	}
	for _, override := range overrides {
		name, value, ok := strings.Cut(override, "=")
		if !ok {
			mistakes = append(mistakes, fmt.Errorf("PARAMS: want name=value, got %q", override))
			continue
		}
		set[name] = value
	}
	p.Set = set
	return p, errors.Join(append(mistakes, p.unknown()...)...)
}

// unknown names the parameters that there are not, and those that nobody should set.
func (p Parameters) unknown() (mistakes []error) {
	for _, name := range slices.Sorted(maps.Keys(p.Set)) {
		if _, ok := p.Defaults[name]; !ok {
			mistakes = append(mistakes, fmt.Errorf("there is no parameter %s", name))
		} else if slices.Contains(Computed, name) {
			mistakes = append(mistakes, fmt.Errorf("%s: make deploy sets it", name))
		}
	}
	return mistakes
}

func decode(checkout fs.FS, name string, v any) error {
	data, err := fs.ReadFile(checkout, name)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if err := yaml.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// texts returns values as osls takes them on its command line. A list becomes its
// elements with commas between them, and null becomes nothing.
func texts(nodes map[string]yaml.Node) (map[string]string, error) {
	texts := make(map[string]string)
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		node := nodes[name]
		elements := []*yaml.Node{&node}
		if node.Kind == yaml.SequenceNode {
			elements = node.Content
		}
		var values []string
		for _, element := range elements {
			if element.Kind != yaml.ScalarNode {
				mistakes = append(mistakes, fmt.Errorf("line %d: %s: want a value, or a list of values", element.Line, name))
				continue
			}
			if element.Tag != "!!null" {
				values = append(values, strings.TrimSpace(element.Value))
			}
		}
		texts[name] = strings.Join(values, ",")
	}
	return texts, errors.Join(mistakes...)
}

// Buckets returns the names of the buckets whose names are fixed, by their ids in the
// template. account is the account's number.
func Buckets(checkout fs.FS, name, account, region string) (map[string]string, error) {
	var service struct {
		Service string `yaml:"service"`
		Custom  struct {
			Input  string `yaml:"inputBucket"`
			Output string `yaml:"outputBucket"`
			Site   string `yaml:"siteBucket"`
		} `yaml:"custom"`
	}
	if err := decode(checkout, "serverless.yml", &service); err != nil {
		return nil, err
	}
	values := strings.NewReplacer("${self:service}", service.Service, "${sls:stage}", name, "${AWS::AccountId}", account, "${AWS::Region}", region)
	return map[string]string{
		"InputBucket":  values.Replace(service.Custom.Input),
		"OutputBucket": values.Replace(service.Custom.Output),
		"SiteBucket":   values.Replace(service.Custom.Site),
	}, nil
}

// Value returns the value of a parameter, which is empty if it is off.
func (p Parameters) Value(name string) string {
	if value := p.Set[name]; value != "" {
		return value
	}
	return p.Defaults[name]
}

// Arguments returns the parameters that are set as arguments for osls.
func (p Parameters) Arguments() []string {
	var arguments []string
	for _, name := range slices.Sorted(maps.Keys(p.Set)) {
		if p.Set[name] != "" { // osls takes no empty value, which is the default anyway
			arguments = append(arguments, "--param="+name+"="+p.Set[name])
		}
	}
	return arguments
}

// Choose sets those of the parameters that nothing has set, and notes which.
func (p Parameters) Choose(values map[string]string) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if p.Set[name] == "" {
			p.Set[name] = values[name]
			names = append(names, name)
		}
	}
	p.Set[chosen] = strings.Join(names, ",")
}

// Dropped returns the parameters that the deployed stage was given and that nothing
// sets now, in the form of lines for the stage file. deployed has the parameters of that
// stage, and what their defaults were. A stage whose record does not say which ones were
// chosen may have chosen all of [Chosen].
func (p Parameters) Dropped(deployed, defaults map[string]string) (lines []string) {
	unset := slices.Concat(Computed, Chosen)
	if names, ok := deployed[chosen]; ok {
		unset = append(strings.Split(names, ","), Computed...)
	}
	for _, name := range slices.Sorted(maps.Keys(deployed)) {
		_, known := p.Defaults[name]
		_, set := p.Set[name]
		if known && !set && deployed[name] != defaults[name] && !slices.Contains(unset, name) {
			lines = append(lines, fmt.Sprintf("%s: %s", name, quoted(deployed[name])))
		}
	}
	return lines
}

// quoted returns a value as YAML.
func quoted(value string) string {
	text, err := yaml.Marshal(value)
	if err != nil { // no string is known that it refuses
		return value
	}
	return strings.TrimSpace(string(text))
}
