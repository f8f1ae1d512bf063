// Package template reads permissions, CORS rules and the CDN's behaviors from the
// CloudFormation files in this folder. The local stack uses them, so that they are defined
// in one place.
package template

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

//go:embed api.yml buckets.yml cdn.yml roles.yml
//go:embed image.mjs site.mjs
var files embed.FS

// Deployment stands for a deployed stack. It has the values for the files' variables.
type Deployment struct {
	InputBucket  string
	OutputBucket string
	UploadOrigin string // scheme://host:port of the grants' URLs
	Events       bool   // the backend is told
	// AllowedOrigins are those of the parameter. Pages of these may read what the CDN serves.
	AllowedOrigins []string
}

// values are the values of the ${…} and !GetAtt in those parts of the files that are read.
func (d Deployment) values() *strings.Replacer {
	output := arn(d.OutputBucket)
	return strings.NewReplacer(
		"${AWS::Partition}", "aws",
		"${self:custom.inputBucket}", d.InputBucket,
		"${self:custom.outputBucket}", d.OutputBucket,
		"${self:custom.uploadOrigin}", d.UploadOrigin,
		"${OutputBucket.Arn}", output,
	)
}

func arn(bucket string) string { return "arn:aws:s3:::" + bucket }

// resource decodes the properties of one resource of a file.
func (d Deployment) resource(file, name string, properties any) error {
	data, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	var template struct {
		Resources map[string]struct {
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(data, &template); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	found, ok := template.Resources[name]
	if !ok {
		return fmt.Errorf("%s: no resource %s", file, name)
	}
	d.resolve(&found.Properties, d.values())
	if err := found.Properties.Decode(properties); err != nil {
		return fmt.Errorf("%s: resource %s: %w", file, name, err)
	}
	return nil
}

// resolve replaces CloudFormation's short functions by their values. Unknown ones stay;
// [complete] reports them if they are in a value that is used.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func (d Deployment) resolve(node *yaml.Node, values *strings.Replacer) {
	if node.Tag == "!If" && len(node.Content) == 3 {
		// Every condition means that a parameter is set. Locally no other is.
		if d.Events && node.Content[0].Value == "HasEvents" {
			*node = *node.Content[1]
		} else {
			*node = *node.Content[2]
		}
	}
	if node.Kind == yaml.ScalarNode {
		switch node.Tag {
		case "!Sub":
			node.SetString(values.Replace(node.Value))
		case "!GetAtt":
			node.SetString(values.Replace("${" + node.Value + "}"))
		case "!Ref":
			node.SetString(node.Value) // the name is enough to find the resource
		}
	}
	if node.Alias != nil {
		d.resolve(node.Alias, values)
	}
	for _, child := range node.Content {
		d.resolve(child, values)
	}
	switch node.Kind {
	case yaml.SequenceNode:
		node.Content = slices.DeleteFunc(node.Content, isNoValue)
	case yaml.MappingNode: // of keys and values in turn
		var kept []*yaml.Node
		for pair := range slices.Chunk(node.Content, 2) {
			if !isNoValue(pair[1]) {
				kept = append(kept, pair...)
			}
		}
		node.Content = kept
	}
}

func isNoValue(node *yaml.Node) bool {
	if node.Alias != nil {
		node = node.Alias
	}
	return node.Value == "AWS::NoValue"
}

// complete fails if a value still contains a function of CloudFormation.
func complete(values ...string) error {
	for _, value := range values {
		if strings.Contains(value, "${") {
			return fmt.Errorf("nothing known to stand for the variable in %q", value)
		}
	}
	return nil
}
