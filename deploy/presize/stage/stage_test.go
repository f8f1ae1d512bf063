package stage

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// checkout returns the repository with a stage file for prod.
func checkout(t *testing.T, file string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"deploy/stages/prod.yml": {Data: []byte(file)}}
	for _, name := range []string{"serverless.yml", "deploy/template/parameters.yml", "deploy/stages/example.yml"} {
		data, err := os.ReadFile("../../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

func read(t *testing.T, file string, overrides ...string) Parameters {
	t.Helper()
	p, err := Read(checkout(t, file), "prod", overrides)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStageFileAndOverridesBecomeArguments(t *testing.T) {
	for name, test := range map[string]struct {
		file      string
		overrides []string
		want      []string
	}{
		"nothing set":            {"", nil, nil},
		"text, number, on":       {"domain: a.example\nmaxBytes: 1000\ntracing: on\n", nil, []string{"domain=a.example", "maxBytes=1000", "tracing=on"}},
		"list":                   {"allowedOrigins:\n  - https://a.example\n  - https://b.example\n", nil, []string{"allowedOrigins=https://a.example,https://b.example"}},
		"override":               {"domain: a.example\n", []string{"domain=b.example", "apiRate=5"}, []string{"apiRate=5", "domain=b.example"}},
		"equals sign in a value": {"", []string{"jwtIssuer=https://a.example/?b=c"}, []string{"jwtIssuer=https://a.example/?b=c"}},
		"the default, said":      {"domain:\nalarmEmail: ''\n", []string{"tracing="}, nil},
		"override by nothing":    {"domain: a.example\n", []string{"domain="}, nil},
		"number as text":         {"maxBytes: '007'\nlogRetentionDays: 0x1e\n", nil, []string{"logRetentionDays=0x1e", "maxBytes=007"}},
		"spaces":                 {"domain: '  a.example '\n", nil, []string{"domain=a.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			var want []string
			for _, argument := range test.want {
				want = append(want, "--param="+argument)
			}
			if got := read(t, test.file, test.overrides...).Arguments(); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestStageWithoutFileHasTheDefaults(t *testing.T) {
	p, err := Read(checkout(t, ""), "dev", nil)
	if err != nil || p.Value("apiRate") != "200" || p.Value("maxBytes") != "" || len(p.Arguments()) > 0 {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestEveryMistakeInTheFileIsNamed(t *testing.T) {
	files := checkout(t, "domian: a.example\nmaxBytes: {a: 1}\nsigningKey: b\n")
	service := string(files["serverless.yml"].Data)
	files["serverless.yml"].Data = []byte(strings.Replace(service, "params:\n", "params:\n  prod: {domain: a.example}\n", 1))
	_, err := Read(files, "prod", []string{"maxFrame=1", "maxFrames"})
	for _, want := range []string{
		"deploy/stages/prod.yml: line 2: maxBytes: want a value",
		"there is no parameter domian",
		"there is no parameter maxFrame\n",
		`want name=value, got "maxFrames"`,
		"signingKey: make deploy sets it",
		"serverless.yml: move the parameters of the stage prod to deploy/stages/prod.yml",
	} {
		if err == nil || !strings.Contains(err.Error()+"\n", want) {
			t.Errorf("it does not say %q: %v", want, err)
		}
	}
	if _, err := Read(checkout(t, "domain: [a"), "prod", nil); err == nil || !strings.Contains(err.Error(), "deploy/stages/prod.yml") {
		t.Errorf("not YAML: %v", err)
	}
}

func TestDroppedParametersAreNamed(t *testing.T) {
	defaults := map[string]string{"apiRate": "100", "logRetentionDays": "30"}
	deployed := map[string]string{
		"domain": "a.example", "apiRate": "100", "logRetentionDays": "7", "alarmEmail": "a@example.com", "jwtIssuer": "",
		"signingKeyA": "MIIB", "signingKey": "b", "ofAnotherVersion": "x",
	}
	for name, test := range map[string]struct {
		file string
		want []string
	}{
		"all of them":   {"", []string{"alarmEmail: a@example.com", "domain: a.example", `logRetentionDays: "7"`}},
		"one is left":   {"domain: a.example\nlogRetentionDays: 7\n", []string{"alarmEmail: a@example.com"}},
		"changed":       {"domain: b.example\nlogRetentionDays: 14\nalarmEmail: b@example.com\n", nil},
		"given up":      {"domain:\nlogRetentionDays:\nalarmEmail: ''\n", nil},
		"other default": {"domain: b.example\nlogRetentionDays: 14\nalarmEmail: b@example.com\n", nil}, // apiRate
	} {
		t.Run(name, func(t *testing.T) {
			if got := read(t, test.file).Dropped(deployed, defaults); !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := read(t, "").Dropped(nil, nil); got != nil {
		t.Errorf("a first deployment drops %q", got)
	}
}

func TestChosenParametersAreToldFromSetOnes(t *testing.T) {
	fits := map[string]string{"workerConcurrency": "5", "heldAnswers": "0"}
	for name, test := range map[string]struct {
		file   string // of the deployed stage
		values map[string]string
		want   []string // dropped by a file that sets nothing
	}{
		"both chosen": {"", fits, nil},
		"one is set":  {"workerConcurrency: 7\n", fits, []string{`workerConcurrency: "7"`}},
		"both set":    {"workerConcurrency: 7\nheldAnswers: 0\n", fits, []string{`heldAnswers: "0"`, `workerConcurrency: "7"`}},
		"no need":     {"", map[string]string{"workerConcurrency": "500"}, nil},
		"by nothing":  {"workerConcurrency:\n", fits, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, test.file)
			p.Choose(test.values)
			deployed := map[string]string{"chosen": ""}
			for _, argument := range p.Arguments() {
				name, value, _ := strings.Cut(strings.TrimPrefix(argument, "--param="), "=")
				deployed[name] = value
			}
			defaults := map[string]string{"workerConcurrency": "4"}
			if got := read(t, "").Dropped(deployed, defaults); !slices.Equal(got, test.want) {
				t.Errorf("deployed %v: got %q, want %q", deployed, got, test.want)
			}
			delete(deployed, "chosen") // of a deployment before there was this mark
			if got := read(t, "").Dropped(deployed, defaults); got != nil {
				t.Errorf("without the mark: got %q", got)
			}
		})
	}
}

// TestExampleExplainsEveryParameter uncomments the example: it must be a stage file
// with every parameter that somebody can set, and without a contradiction.
func TestExampleExplainsEveryParameter(t *testing.T) {
	files := checkout(t, "")
	example := string(files["deploy/stages/example.yml"].Data)
	if p, err := Read(files, "example", nil); err != nil || len(p.Set) > 0 {
		t.Errorf("the example sets %v, %v", p.Set, err)
	}
	var lines []string
	for line := range strings.Lines(example) {
		if setting, ok := strings.CutPrefix(line, "#"); ok && !strings.HasPrefix(setting, " ") {
			lines = append(lines, setting)
		}
	}
	p := read(t, strings.Join(lines, ""))
	for name := range maps.Keys(p.Defaults) {
		if _, ok := p.Set[name]; !ok && !slices.Contains(Computed, name) {
			t.Errorf("the example has no %s", name)
		}
	}
	if wrong := p.Check("123456789012", "eu-central-1"); len(wrong) > 0 {
		t.Errorf("the example contradicts itself: %q", wrong)
	}
}

func TestBucketsHaveTheNamesOfTheTemplate(t *testing.T) {
	got, err := Buckets(checkout(t, ""), "prod", "123456789012", "eu-west-1")
	want := map[string]string{
		"InputBucket":  "presize-prod-input-123456789012-eu-west-1",
		"OutputBucket": "presize-prod-output-123456789012-eu-west-1",
		"SiteBucket":   "presize-prod-site-123456789012-eu-west-1",
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}
