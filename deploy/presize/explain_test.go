package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/presize/stack/stacktest"
)

// deployedCommands are calls of the commands that ask AWS.
func deployedCommands() map[string][]string {
	calls := make(map[string][]string)
	for _, name := range []string{"check", "parameters", "keys", "adopt", "publish", "rollback", "undeploy", "backfill", "sweep", "redrive"} {
		calls[name] = []string{name, "--stage", "prod"}
	}
	calls["status"] = []string{"status", "--stage", "prod", "mzxw6ytboi2gk3tdmuqhg5dbna"}
	return calls
}

func TestEveryCommandSaysWhatIsWrongWithTheCredentials(t *testing.T) {
	var code string
	refusal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		if r.Method == http.MethodGet || r.Header.Get("X-Amz-Target") != "" { // of Lambda and SSM
			w.Header().Set("X-Amzn-Errortype", code)
			fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, code)
			return
		}
		fmt.Fprintf(w, "<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>", code)
	}))
	t.Cleanup(refusal.Close)
	for name, args := range deployedCommands() {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			expect := func(want string) {
				t.Helper()
				if got := presize(t, args...); got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, want) {
					t.Errorf("got %+v, want %q", got, want)
				}
			}
			t.Setenv("AWS_REGION", "eu-central-1")
			expect("no AWS credentials: set AWS_PROFILE")
			t.Setenv("AWS_ACCESS_KEY_ID", "key")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			t.Setenv("AWS_REGION", "")
			expect("no region: ")
			t.Setenv("AWS_REGION", "eu-central-1")
			t.Setenv("AWS_ENDPOINT_URL", refusal.URL)
			code = "ExpiredToken"
			expect("AWS does not take the credentials; are they expired?")
			code = "AccessDenied"
			expect("See the IAM actions in presize " + name + " -h\n")
		})
	}
}

func TestStackThatIsNotThereIsTold(t *testing.T) {
	for name, args := range deployedCommands() {
		if slices.Contains([]string{"check", "parameters", "keys", "adopt", "undeploy"}, name) {
			continue // they come before the stack, or after it
		}
		t.Run(name, func(t *testing.T) {
			isolate(t)
			for name, value := range map[string]string{
				"AWS_ENDPOINT_URL": stacktest.Start(t).URL(), "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
			} {
				t.Setenv(name, value)
			}
			got := presize(t, args...)
			if got.code != 1 || got.stdout != "" || !strings.Contains(got.stderr, "there is no such stack: are --stage and AWS_REGION right") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestHelpOfACommandIsFoundInBothWays(t *testing.T) {
	for _, command := range commands() {
		if got, want := presize(t, "help", command.name), presize(t, command.name, "-h"); got != want || got.code != 0 {
			t.Errorf("%s: got %+v", command.name, got)
		}
	}
}

func TestParametersAreOneDocumentInJSON(t *testing.T) {
	isolate(t)
	got := presize(t, "parameters", "--stage", "example", "--json", "--param", "domain=a.example", "--param=workerConcurrency=7", "--param=heldAnswers=1")
	if got.code != 0 || got.stderr != "" || got.stdout != `{"domain":"a.example","heldAnswers":"1","workerConcurrency":"7"}`+"\n" {
		t.Errorf("got %+v", got)
	}
}
