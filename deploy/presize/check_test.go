package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
)

// isolate gives the SDK an environment in which only what a test sets leads to an account.
func isolate(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_CONFIG_FILE":             "/nonexistent",
		"AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_PROFILE":                 "",
		"AWS_REGION":                  "",
		"AWS_DEFAULT_REGION":          "",
		"AWS_ACCESS_KEY_ID":           "",
		"AWS_SECRET_ACCESS_KEY":       "",
		"AWS_SESSION_TOKEN":           "",
	} {
		t.Setenv(name, value)
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	isolate(t)
	expect := func(stage, want string) {
		t.Helper()
		got := presize(t, "check", "--stage="+stage)
		if got.code != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("got %+v, want an error with %q", got, want)
		}
		if got.stdout != "" {
			t.Errorf("it said %q", got.stdout)
		}
	}
	for _, stage := range []string{"Prod", "9", "a_b", "a.b", "abcdefghijklmnopqrstu"} {
		if got := presize(t, "check", "--stage="+stage); got.code != 2 || !strings.Contains(got.stderr, "want at most 20 lower-case letters") {
			t.Errorf("got %+v", got)
		}
	}
	expect("prod", "REGION=")
	t.Setenv("AWS_REGION", "eu-central-1")
	expect("prod", "AWS_PROFILE")
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	refusal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>too old</Message></Error></ErrorResponse>")
	}))
	t.Cleanup(refusal.Close)
	t.Setenv("AWS_ENDPOINT_URL", refusal.URL)
	expect("prod", "expired?")
}

func TestWhatADeploymentWouldFailOnIsTold(t *testing.T) {
	kept := []string{"a", "b"}
	for name, test := range map[string]struct {
		status string // "" for no stack
		kept   []string
		want   string // of the error, "" for none
		adopts []string
	}{
		"first deployment":                  {"", nil, "", nil},
		"buckets of an earlier deployment":  {"", kept, "", kept},
		"next deployment":                   {"UPDATE_COMPLETE", kept, "", nil},
		"after a failed update":             {"UPDATE_ROLLBACK_COMPLETE", kept, "", nil},
		"another one under way":             {"UPDATE_IN_PROGRESS", kept, "wait", nil},
		"after a failed first deployment":   {"ROLLBACK_COMPLETE", nil, "undeploy", nil},
		"after an interrupted adoption":     {"REVIEW_IN_PROGRESS", kept, "", kept},
		"after an interrupted first change": {"REVIEW_IN_PROGRESS", nil, "undeploy", nil},
		"after an adoption":                 {"IMPORT_COMPLETE", kept, "", nil},
		"after a failed adoption":           {"IMPORT_ROLLBACK_COMPLETE", kept, "", kept},
	} {
		t.Run(name, func(t *testing.T) {
			stacks := []stacktest.Stack{{ID: "1", Name: "presize-prod", Status: stacktest.Deleted}, {ID: "2", Name: "presize-dev", Status: "UPDATE_IN_PROGRESS"}}
			if test.status != "" {
				stacks = append(stacks, stacktest.Stack{ID: "3", Name: "presize-prod", Status: test.status})
			}
			s := stack.Stack{Client: stacktest.Start(t, stacks...).Client(), Name: "presize-prod"}
			adopts, err := check(t.Context(), s, test.kept)
			if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) || !slices.Equal(adopts, test.adopts) {
				t.Errorf("got %q, %v, want %q, %q", adopts, err, test.adopts, test.want)
			}
		})
	}
}

func TestDeploymentThatDropsParametersIsRefused(t *testing.T) {
	const record = `{"Metadata":{"presize":{"defaults":{"apiRate":200,"apiBurst":400},"parameters":{"apiRate":"50","apiBurst":400,"domain":"a.example","maxBytes":""}}}}`
	deployed := stacktest.Stack{ID: "1", Name: "presize-prod", Status: "UPDATE_COMPLETE", Template: record}
	old := deployed
	old.Template, old.Parameters = "{}", []stacktest.Parameter{{Name: "Domain", Value: "a.example"}, {Name: "AlarmEmail", Value: ""}}
	// The metadata of the packaged template have the package's values.
	packaged := deployed
	packaged.Parameters = []stacktest.Parameter{{Name: "Domain", Value: "b.example"}, {Name: "AlarmEmail", Value: "a@example.com"}}
	removed := func(of stacktest.Stack, id, created string) stacktest.Stack {
		of.ID, of.Created, of.Status = id, created, stacktest.Deleted
		return of
	}
	adopted := stacktest.Stack{ID: "9", Name: "presize-prod", Status: "IMPORT_COMPLETE", Template: `{"Resources":{}}`}
	kept := []string{"presize-prod-input"}
	for name, test := range map[string]struct {
		stacks   []stacktest.Stack
		kept     []string
		set      []string
		want     []string // of the error, nil for none
		warnings int
	}{
		"first deployment": {nil, nil, []string{"apiRate=50"}, nil, 2},
		"dropped":          {[]stacktest.Stack{deployed}, kept, nil, []string{"deploy/stages/prod.yml", "\n  apiRate: \"50\"\n  domain: a.example"}, 2},
		"changed":          {[]stacktest.Stack{deployed}, kept, []string{"apiRate=60", "domain="}, nil, 2},
		"no record":        {[]stacktest.Stack{old}, kept, nil, []string{"domain: a.example"}, 2},
		"packaged":         {[]stacktest.Stack{packaged}, kept, nil, []string{"alarmEmail: a@example.com\n  apiRate: \"50\"\n  domain: b.example"}, 2},
		"typing error":     {[]stacktest.Stack{deployed}, kept, []string{"apirate=50"}, []string{"there is no parameter apirate"}, 0},
		"both":             {[]stacktest.Stack{old}, kept, []string{"jwtAudience=a"}, []string{"domain: a.example", "jwtIssuer and jwtAudience"}, 2},
		"removed":          {[]stacktest.Stack{removed(deployed, "1", "2026-01-02T15:04:05Z")}, kept, nil, []string{"domain: a.example"}, 2},
		"removed twice": {[]stacktest.Stack{
			removed(deployed, "1", "2026-01-02T15:04:05Z"), removed(packaged, "3", "2026-03-02T15:04:05Z"), removed(old, "2", "2026-02-02T15:04:05Z"),
		}, kept, nil, []string{"domain: b.example"}, 2},
		"removed, a failed attempt after it": {[]stacktest.Stack{
			removed(adopted, "2", "2026-02-02T15:04:05Z"), removed(deployed, "1", "2026-01-02T15:04:05Z"),
		}, kept, nil, []string{"domain: a.example"}, 2},
		"removed with its buckets": {[]stacktest.Stack{removed(deployed, "1", "2026-01-02T15:04:05Z")}, nil, nil, nil, 2},
		"removed, set again":       {[]stacktest.Stack{removed(deployed, "1", "2026-01-02T15:04:05Z")}, kept, []string{"apiRate=50", "domain="}, nil, 2},
		"removed long ago":         {nil, kept, nil, nil, 3},
		"adopted":                  {[]stacktest.Stack{removed(deployed, "1", "2026-01-02T15:04:05Z"), adopted}, kept, nil, []string{"domain: a.example"}, 2},
		"adopted after long":       {[]stacktest.Stack{adopted}, kept, nil, nil, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := stack.Stack{Client: stacktest.Start(t, test.stacks...).Client(), Name: "presize-prod"}
			c := &call{system: system{checkout: os.DirFS("../..")}, stage: "prod"}
			warnings, err := checkParameters(t.Context(), s, c, test.set, destination{Account: "123456789012", Region: "eu-central-1"}, test.kept)
			if (err != nil) != (test.want != nil) {
				t.Fatalf("got %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("it does not say %q: %v", want, err)
				}
			}
			if len(warnings) != test.warnings {
				t.Errorf("warnings %q", warnings)
			}
		})
	}
}

func TestParametersAreArgumentsForOsls(t *testing.T) {
	got := presize(t, "parameters", "--stage", "example", "--param", "domain=a.example", "--param=maxFrames=5", "--param=workerConcurrency=7", "--param=heldAnswers=1")
	if got.code != 0 || got.stderr != "" || got.stdout != "--param=domain=a.example\n--param=heldAnswers=1\n--param=maxFrames=5\n--param=workerConcurrency=7\n" {
		t.Errorf("got %+v", got)
	}
}
