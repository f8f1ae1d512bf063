package template

import (
	"fmt"
	"strings"
)

// Function is a CloudFront function: a script that runs for every request, before the cache.
// The zero Function stands for none.
type Function struct {
	Name string // of its file
	Code string // JavaScript, for the runtime cloudfront-js-2.0
}

// association is CloudFormation's FunctionAssociation.
type association struct {
	EventType   string `yaml:"EventType"`
	FunctionARN string `yaml:"FunctionARN"`
}

// function returns the function of a behavior.
func (d Deployment) function(associations []association) (Function, error) {
	if len(associations) == 0 {
		return Function{}, nil
	}
	if len(associations) > 1 || associations[0].EventType != "viewer-request" {
		return Function{}, fmt.Errorf("want one function, for viewer-request: %+v", associations)
	}
	var properties struct {
		FunctionCode string `yaml:"FunctionCode"`
	}
	if err := d.resource("cdn.yml", between("${", associations[0].FunctionARN, ".FunctionARN}"), &properties); err != nil {
		return Function{}, err
	}
	name := between("${file(deploy/template/", properties.FunctionCode, ")}")
	code, err := files.ReadFile(name)
	return Function{Name: name, Code: string(code)}, err
}

// between returns text without a prefix and a suffix, where it has them.
func between(prefix, text, suffix string) string {
	return strings.TrimSuffix(strings.TrimPrefix(text, prefix), suffix)
}
