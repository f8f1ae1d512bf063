package main

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/api"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/renderer"
)

func TestEveryParameterIsTriedAndDocumented(t *testing.T) {
	var config struct {
		Params struct {
			Default map[string]any `yaml:"default"`
		} `yaml:"params"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "serverless.yml")), &config); err != nil {
		t.Fatal(err)
	}
	readme := read(t, "deploy/README.md")
	if len(config.Params.Default) < 20 {
		t.Fatalf("only %d parameters", len(config.Params.Default))
	}
	every := packagings[1]
	for name := range config.Params.Default {
		if !slices.ContainsFunc(every.params, func(param string) bool { return strings.HasPrefix(param, name+"=") }) {
			t.Errorf("%s is not set in %q", name, every.name)
		}
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("%s is not in deploy/README.md", name)
		}
	}
}

// `presize check` compares a deployment with this record.
func TestTemplateRecordsEveryParameter(t *testing.T) {
	var service struct {
		Params struct {
			Default map[string]any `yaml:"default"`
		} `yaml:"params"`
	}
	var record struct {
		Metadata struct {
			Presize struct {
				Defaults   map[string]string `yaml:"defaults"`
				Parameters map[string]string `yaml:"parameters"`
			} `yaml:"presize"`
		} `yaml:"Metadata"`
	}
	for name, v := range map[string]any{"serverless.yml": &service, "deploy/template/record.yml": &record} {
		if err := yaml.Unmarshal([]byte(read(t, name)), v); err != nil {
			t.Fatal(err)
		}
	}
	parameters, defaults := make(map[string]string), make(map[string]string)
	for name, value := range service.Params.Default {
		parameters[name] = "${param:" + name + "}"
		if value == nil {
			parameters[name] = "${param:" + name + ", ''}"
		} else if value != "" {
			defaults[name] = "${self:params.default." + name + "}"
		}
	}
	got := record.Metadata.Presize
	if !maps.Equal(got.Parameters, parameters) || !maps.Equal(got.Defaults, defaults) {
		t.Errorf("recorded are %v, want %v and %v", got, parameters, defaults)
	}
}

func TestDocumentsTellTheDefaultLimits(t *testing.T) {
	limits := media.DefaultLimits()
	memory := fmt.Sprintf("%d MiB", limits.Memory>>20)
	for file, facts := range map[string][]string{
		"README.md": {
			fmt.Sprintf("| %d MiB |", limits.Bytes>>20),
			fmt.Sprintf("| %d megapixels |", limits.Pixels/1e6),
			fmt.Sprintf("| %d |", limits.Frames),
			fmt.Sprintf("| %.0f minutes |", api.DefaultGrantTTL.Minutes()),
		},
		"worker/vips/README.md": {memory},
	} {
		text := read(t, file)
		for _, fact := range facts {
			if !strings.Contains(text, fact) {
				t.Errorf("%s does not say %s", file, fact)
			}
		}
	}
}

// A variable that is misspelt in serverless.yml would be ignored, and one that it lacks could not be set.
func TestFunctionsReadTheVariablesThatTheyAreGiven(t *testing.T) {
	type environment struct {
		Environment map[string]yaml.Node
	}
	var service struct {
		Provider  environment
		Functions map[string]environment
	}
	if err := yaml.Unmarshal([]byte(read(t, "serverless.yml")), &service); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`"PRESIZE_\w+"`)
	limits := variable.FindAllString(read(t, "internal/env/env.go"), -1)
	folders := map[string]string{"api": "api", "worker": "worker", "notify": "worker/notify"}
	for name, function := range service.Functions {
		own := variable.FindAllString(read(t, folders[name]+"/lambda/main.go"), -1)
		for given := range function.Environment {
			if strings.HasPrefix(given, "PRESIZE_") && !slices.Contains(slices.Concat(own, limits), strconv.Quote(given)) {
				t.Errorf("%s does not read %s", name, given)
			}
		}
		for _, quoted := range own {
			_, given := function.Environment[strings.Trim(quoted, `"`)]
			_, shared := service.Provider.Environment[strings.Trim(quoted, `"`)]
			if !given && !shared {
				t.Errorf("serverless.yml does not give %s to %s", quoted, name)
			}
		}
	}
}

// What libvips and malloc run with must be the same in development and on Lambda: measured here, it holds there.
func TestRendererRunsWithTheEnvironmentOfDevelopment(t *testing.T) {
	developed := make(map[string]string)
	for _, match := range regexp.MustCompile(`(?m)^export ((?:VIPS|MALLOC)_\w+) := (\S+)$`).FindAllStringSubmatch(read(t, "Makefile"), -1) {
		developed[match[1]] = match[2]
	}
	deployed := make(map[string]string)
	for _, variable := range renderer.Settings() {
		name, value, _ := strings.Cut(variable, "=")
		deployed[name] = value
	}
	if len(developed) == 0 || !maps.Equal(developed, deployed) {
		t.Errorf("the Makefile sets %v, the renderer runs with %v", developed, deployed)
	}
}

// read returns a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
