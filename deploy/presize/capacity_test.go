package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

func TestCapacityLeavesTheAPIItsShare(t *testing.T) {
	for limit, want := range map[int]map[string]string{
		0:      {"workerConcurrency": "2", "heldAnswers": "0"}, // all are reserved; the mapping allows no less
		3:      {"workerConcurrency": "2", "heldAnswers": "0"},
		10:     {"workerConcurrency": "5", "heldAnswers": "0"}, // a new account
		50:     {"workerConcurrency": "25", "heldAnswers": "0"},
		99:     {"workerConcurrency": "49", "heldAnswers": "0"},
		100:    {"workerConcurrency": "50"},
		1000:   {"workerConcurrency": "500"}, // the usual limit
		10_000: {"workerConcurrency": "1000"},
	} {
		if got := capacity(limit); !maps.Equal(got, want) {
			t.Errorf("of %d: %v, want %v", limit, got, want)
		}
	}
}

func TestAccountLimitIsWhatNobodyHasReserved(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/2016-08-19/account-settings" && r.URL.Path != "/2016-08-19/account-settings/" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		fmt.Fprint(w, `{"AccountLimit":{"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":900},"AccountUsage":{"FunctionCount":2}}`)
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	if limit, err := accountLimit(t.Context()); err != nil || limit != 900 {
		t.Errorf("got %d, %v", limit, err)
	}
}
