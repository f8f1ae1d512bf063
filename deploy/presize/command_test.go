package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/media"
)

// childVariable makes the test binary be the program that it tests, with presets of
// the quality that the variable holds.
const childVariable = "PRESIZE_TEST_QUALITY"

func TestMain(m *testing.M) {
	quality := os.Getenv(childVariable)
	if quality == "" {
		os.Exit(m.Run())
	}
	os.Exit(runUntilInterrupted(os.Args[1:], system{
		presets:  func() (media.Presets, error) { return sketch(quality) },
		checkout: os.DirFS("../.."),
		lookup:   os.LookupEnv,
		stdin:    os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
	}))
}

// sketchJSON is presets.json with as little to render as possible.
func sketchJSON(quality string) []byte {
	return fmt.Appendf(nil, `[{"name":"photo","fit":"inside","sizes":[{"width":8},{"width":16}],"background":"#ffffff",
		"encoders":[{"format":"image/jpeg","quality":%s}]}]`, quality)
}

func sketch(quality string) (media.Presets, error) {
	return media.ParsePresets(fstest.MapFS{"presets.json": {Data: sketchJSON(quality)}})
}

func mustSketch(t *testing.T, quality string) media.Presets {
	t.Helper()
	presets, err := sketch(quality)
	if err != nil {
		t.Fatal(err)
	}
	return presets
}

// reply is what a command did.
type reply struct {
	code           int
	stdout, stderr string
}

// presize runs a command in this process.
func presize(t *testing.T, args ...string) reply {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, system{
		presets:  func() (media.Presets, error) { return sketch("80") },
		checkout: os.DirFS("../.."),
		lookup:   os.LookupEnv,
		stdin:    strings.NewReader(""),
		stdout:   &stdout,
		stderr:   &stderr,
	})
	return reply{code, stdout.String(), stderr.String()}
}

func TestWrongCallsAreToldWithExitCode2(t *testing.T) {
	for call, want := range map[string]string{
		"":                                           "usage: presize COMMAND",
		"chek":                                       `no command "chek"`,
		"check":                                      "--stage is missing",
		"check --local":                              "not defined: -local",
		"check --stage a b":                          `it takes flags only, and got ["b"]`,
		"parameters":                                 "--stage is missing",
		"undeploy help":                              "flags only",
		"backfill --stage Prod":                      `the stage "Prod": want at most 20 lower-case letters`,
		"help chek":                                  `no command "chek"`,
		"backfill":                                   "--stage or --local is missing",
		"backfill --stage a --local":                 "exclude each other",
		"backfill --local --rate 0":                  "more than 0",
		"backfill --local --rate fast":               "rate",
		"sweep --local --older-than yesterday":       "older-than",
		"sweep --local --older-than -1h":             "less than 0",
		"redrive --local --rate 501":                 "from 1 to 500",
		"redrive --local --rate 0":                   "from 1 to 500",
		"redrive --local --webhooks --error a":       "--error does not go with --webhooks",
		"redrive --local --newer-than -1h":           "less than 0",
		"status --local":                             "want ID, got 0 arguments",
		"status --local not-an-id":                   "invalid upload id",
		"status aaaaaaaaaaaaaaaaaaaaaaaaaa x":        "want ID, got 2 arguments",
		"upload a.jpg":                               "--endpoint is missing",
		"upload --endpoint https://a":                "which file or folder",
		"upload --endpoint a b":                      "begins with https://",
		"upload --endpoint https://a b --wait 1":     "ready or complete",
		"upload --endpoint https://a --parallel 0 b": "at least 1",
		"upload --endpoint https://a /no/such/file":  "no such file",
		"upload --stage a":                           "not defined: -stage",
		"delete --endpoint https://a":                "which id",
		"delete mzxw6ytboi2gk3tdmuqhg5dbna":          "--endpoint is missing",
		"delete --endpoint https://a x":              "invalid upload id",
		"undeploy --data":                            "--stage is missing",
		"status mzxw6ytboi2gk3tdmuqhg5dbna -zz":      "not defined: -zz",
	} {
		t.Run(call, func(t *testing.T) {
			got := presize(t, strings.Fields(call)...)
			if got.code != 2 || got.stdout != "" || !strings.Contains(got.stderr, want) {
				t.Errorf("got %+v, want %q", got, want)
			}
		})
	}
}

func TestHelpTeaches(t *testing.T) {
	all := presize(t, "-h")
	if all.code != 0 || all.stderr != "" {
		t.Errorf("-h: %+v", all)
	}
	for _, command := range commands() {
		t.Run(command.name, func(t *testing.T) {
			summary, _, _ := strings.Cut(command.usage, "\n")
			if !strings.Contains(all.stdout, command.name+strings.Repeat(" ", 11-len(command.name))+summary) {
				t.Errorf("presize -h does not list it:\n%s", all.stdout)
			}
			for _, flag := range []string{"-h", "--help"} {
				got := presize(t, command.name, flag)
				wanted := []string{summary, "  presize " + command.name + " ", "-json"}
				if strings.Contains(command.usage, "--endpoint") {
					wanted = append(wanted, "-endpoint", "Exit codes:")
				} else {
					wanted = append(wanted, "-stage", "IAM actions:")
				}
				for _, want := range wanted {
					if got.code != 0 || got.stderr != "" || !strings.Contains(got.stdout, want) {
						t.Errorf("%s does not say %q: %+v", flag, want, got)
					}
				}
			}
			for line := range strings.Lines(command.usage) {
				if len(line) > 91 {
					t.Errorf("a long line: %s", line)
				}
			}
		})
	}
}

// TestHelpNamesTheActionsOfTheLocalAccount compares the S3 actions in the help with
// those that the account of the local stack has, under which the tests run.
func TestHelpNamesTheActionsOfTheLocalAccount(t *testing.T) {
	var allowed, named []string
	for _, statement := range operator.Statements("in", "out") {
		allowed = append(allowed, statement.Action...)
	}
	for _, usage := range []string{backfillUsage, sweepUsage, redriveUsage, statusUsage} {
		for word := range strings.FieldsFuncSeq(usage, func(r rune) bool { return strings.ContainsRune(" ,;.\n", r) }) {
			if strings.HasPrefix(word, "s3:") {
				named = append(named, word)
			}
		}
	}
	slices.Sort(allowed)
	slices.Sort(named)
	if allowed, named = slices.Compact(allowed), slices.Compact(named); !slices.Equal(allowed, named) {
		t.Errorf("allowed %q, named %q", allowed, named)
	}
}

func TestLocalStackThatDoesNotRunIsTold(t *testing.T) {
	t.Setenv("PRESIZE_DATA", t.TempDir())
	if got := presize(t, "sweep", "--local"); got.code != 1 || !strings.Contains(got.stderr, "no local stack has run") {
		t.Errorf("never ran: %+v", got)
	}
	access := operator.Access{S3: "http://127.0.0.1:1", Region: "us-east-1", AccessKeyID: "a", SecretAccessKey: "b", InputBucket: "in", OutputBucket: "out"}
	if err := access.Write(os.Getenv("PRESIZE_DATA")); err != nil {
		t.Fatal(err)
	}
	if got := presize(t, "sweep", "--local"); got.code != 1 || !strings.Contains(got.stderr, "start it with `make run`") {
		t.Errorf("does not run now: %+v", got)
	}
}

// TestUndeployWithoutOslsChangesNothing confirms the removal in a checkout without packages.
func TestUndeployWithoutOslsChangesNothing(t *testing.T) {
	isolate(t)
	c := stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Status: "UPDATE_COMPLETE", Protected: true})
	account := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead: // no bucket
			w.WriteHeader(http.StatusNotFound)
		case r.FormValue("Action") == "GetCallerIdentity":
			fmt.Fprint(w, "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>")
		default:
			c.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(account.Close)
	service, err := os.ReadFile("../../serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": account.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
	} {
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"undeploy", "--stage", "prod"}, system{
		checkout: fstest.MapFS{"serverless.yml": {Data: service}}, lookup: os.LookupEnv, stdin: strings.NewReader("prod\n"), stdout: &stdout, stderr: &stderr,
	})
	if code != 1 || !strings.Contains(stderr.String(), "osls is missing: run make undeploy") {
		t.Errorf("code %d, %s", code, stderr.String())
	}
	out, err := c.Client().DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String("presize-prod")})
	if err != nil || !*out.Stacks[0].EnableTerminationProtection {
		t.Errorf("its protection is lifted, %v", err)
	}
}

func TestInterruptionIsToldAsOne(t *testing.T) {
	err := explain(fmt.Errorf("list presize-input: %w", context.Canceled), "sweep")
	if err == nil || err.Error() != "interrupted" {
		t.Errorf("got %v", err)
	}
}
