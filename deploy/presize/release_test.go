package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/s3local/s3test"
)

func TestDeploymentIsLiveWhenItIsPublished(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	h.deploy(10)
	h.mustPublish()
	h.expectLive(10)
	h.deploy(11)
	if got := h.lambda.functions["presize-prod-worker"]; got.alias != "1" || got.runs() != "presize-prod-worker of 10" {
		t.Errorf("the deployment alone has made version %s live: %s", got.alias, got.runs())
	}
	h.out.Reset()
	h.mustPublish()
	h.expectLive(11)
	if got := h.out.String(); got != "version 2 of presize-prod-worker is live\n" {
		t.Errorf("it says %q", got) // and nothing of the API, which has not changed
	}
	h.mustPublish()
	h.expectLive(11)
}

func TestVersionsOfDeploymentsThatAreGoneAreDeleted(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	for deployment := range int64(9) {
		h.deploy(10 + deployment)
		h.mustPublish()
		h.expectLive(10 + deployment)
	}
	if got := h.versionsOf("worker"); !slices.Equal(got, []string{"5", "6", "7", "8", "9"}) {
		t.Errorf("the worker has the versions %q", got)
	}
	if got := h.versionsOf("api"); !slices.Equal(got, []string{"3", "4", "5"}) {
		t.Errorf("the API has the versions %q", got)
	}
}

func TestPublicationLeavesOtherAliasesAlone(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	worker := h.lambda.functions["presize-prod-worker"]
	for deployment := range int64(7) {
		h.deploy(10 + deployment)
		worker.used, worker.shares = "1", map[string]float64{"1": 0.5}
		h.mustPublish()
	}
	if !worker.has("1") || worker.has("2") {
		t.Errorf("the worker has the versions %q", h.versionsOf("worker"))
	}
	if len(worker.shares) > 0 {
		t.Errorf("other versions still get the shares %v", worker.shares)
	}
}

func TestPublicationWaitsForTheFunction(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	h.deploy(10)
	h.lambda.functions["presize-prod-api"].updating = 3
	h.mustPublish()
	h.expectLive(10)
}

func TestNothingIsPublishedInTheMiddleOfADeployment(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	h.deploy(10)
	for _, status := range []string{"UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_FAILED"} {
		h.cloudFormation.Change("presize-prod", func(s *stacktest.Stack) { s.Status = status })
		if err := h.publish(t.Context(), nil); err == nil || !strings.Contains(err.Error(), status) {
			t.Errorf("%s: %v", status, err)
		}
	}
	if got := h.versionsOf("api"); len(got) > 0 {
		t.Errorf("published %q", got)
	}
}

func TestStackWithoutOslsFollowsItsDeployments(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	h.deploy(10)
	h.mustPublish()
	r, err := h.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.history.artifacts = nil
	if _, err := r.publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.update(12)
	for name, function := range h.lambda.functions {
		if function.alias != latest || function.runs() != content(name, 12) {
			t.Errorf("version %s of %s is live: %s", function.alias, name, function.runs())
		}
	}
	if since, err := r.since(t.Context()); err != nil || !since.IsZero() {
		t.Errorf("live since %v, %v", since, err)
	}
}

func TestStackWithoutAliasesIsLeftAlone(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	h.deploy(10)
	h.cloudFormation.Change("presize-prod", func(s *stacktest.Stack) { s.Resources = nil })
	h.mustPublish()
	if got := h.versionsOf("api"); len(got) > 0 {
		t.Errorf("published %q", got)
	}
}

func TestKeysRotateAfterTheFunctionsAreLive(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	h.deploy(10)
	r, err := h.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.since(t.Context()); err == nil || !strings.Contains(err.Error(), "run presize publish") {
		t.Errorf("before the publication: %v", err)
	}
	h.mustPublish()
	first, err := r.since(t.Context())
	if err != nil || first.IsZero() {
		t.Errorf("live since %v, %v", first, err)
	}
	h.mustPublish() // of the page only
	if second, err := r.since(t.Context()); err != nil || !second.Equal(first) {
		t.Errorf("live since %v, then since %v, %v", first, second, err)
	}
}

func TestFunctionsAreThoseWithTheAlias(t *testing.T) {
	resource := func(id, name, kind, status string) stacktest.Resource {
		return stacktest.Resource{ID: id, Name: name, Type: kind, Status: status}
	}
	const function = "arn:aws:lambda:eu-central-1:1:function:"
	c := stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Status: "UPDATE_COMPLETE", Resources: []stacktest.Resource{
		resource("W", function+"worker:live", "AWS::Lambda::Alias", "CREATE_COMPLETE"),
		resource("A", function+"api:live", "AWS::Lambda::Alias", "UPDATE_COMPLETE"),
		resource("C", function+"api:canary", "AWS::Lambda::Alias", "CREATE_COMPLETE"),
		resource("N", function+"notify:live", "AWS::Lambda::Alias", "DELETE_COMPLETE"),
		resource("F", "api", "AWS::Lambda::Function", "CREATE_COMPLETE"),
	}})
	f, err := findFunctions(t.Context(), stack.Stack{Client: c.Client(), Name: "presize-prod"}, nil)
	if err != nil || !slices.Equal(f.names, []string{"api", "worker"}) {
		t.Errorf("got %q, %v", f.names, err)
	}
}
