package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestEmptyAccountHasNoStackAndRemembersOtherQuestions(t *testing.T) {
	account := &emptyAccount{}
	server := httptest.NewServer(account)
	defer server.Close()

	ask := func(action string) (int, string) {
		t.Helper()
		resp, err := http.PostForm(server.URL, url.Values{"Action": {action}, "StackName": {"presize-dev"}})
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}

	// This pair of code and message is how osls tells a missing stack from a broken account.
	status, body := ask("DescribeStacks")
	if status != http.StatusBadRequest || !strings.Contains(body, "<Code>ValidationError</Code>") || !strings.Contains(body, "does not exist") {
		t.Errorf("DescribeStacks: %d %s", status, body)
	}
	if err := account.err(); err != nil {
		t.Errorf("after DescribeStacks: %v", err)
	}
	if status, _ := ask("GetCallerIdentity"); status != http.StatusNotImplemented {
		t.Errorf("GetCallerIdentity: status %d", status)
	}
	if err := account.err(); err == nil || !strings.Contains(err.Error(), "GetCallerIdentity") {
		t.Errorf("after GetCallerIdentity: %v", err)
	}
}

func TestOfflineEnvironmentLeadsNowhereElse(t *testing.T) {
	got := offlineEnvironment([]string{
		"PATH=/bin", "AWS_PROFILE=real", "AWS_ENDPOINT_URL=https://real", "https_proxy=http://proxy", "SLS_INTERACTIVE_SETUP_ENABLE=1",
	}, "http://127.0.0.1:1")
	for _, want := range []string{"PATH=/bin", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_SHARED_CREDENTIALS_FILE=/dev/null"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing from %q", want, got)
		}
	}
	for _, kv := range got {
		if strings.Contains(kv, "real") || strings.Contains(kv, "proxy") || strings.HasPrefix(kv, "SLS_") {
			t.Errorf("%s is left", kv)
		}
	}
}

func TestPackagingWithoutOslsSaysHowToGetIt(t *testing.T) {
	_, err := compile(t.Context(), t.TempDir(), packaging{})
	if err == nil || !strings.Contains(err.Error(), "npm ci --prefix deploy") {
		t.Errorf("err = %v", err)
	}
}

func TestPackagingThatFailsTellsWhatOslsSaid(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, filepath.Dir(osls)), 0o755); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho no artifact for $*, ask $AWS_ENDPOINT_URL\nexit 3\n"
	if err := os.WriteFile(filepath.Join(root, osls), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := compile(t.Context(), root, packaging{"some", "dev", []string{"domain=a.example"}})
	if err == nil || !strings.Contains(err.Error(), "no artifact for package --package build/deploy/some --stage dev --param domain=a.example, ask http://127.0.0.1:") {
		t.Errorf("err = %v", err)
	}
}
