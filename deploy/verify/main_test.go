package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

func TestEveryParameterIsTriedAndInTheREADME(t *testing.T) {
	var config struct {
		Params struct {
			Default map[string]any `yaml:"default"`
		} `yaml:"params"`
	}
	data, err := os.ReadFile("../../serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(config.Params.Default) < 20 {
		t.Fatalf("only %d parameters", len(config.Params.Default))
	}
	every := packagings[1]
	for name := range config.Params.Default {
		if !slices.ContainsFunc(every.params, func(param string) bool { return strings.HasPrefix(param, name+"=") }) {
			t.Errorf("%s is not set in %q", name, every.name)
		}
		if !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("%s is not in the README", name)
		}
	}
}
