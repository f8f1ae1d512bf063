package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/faulttest"
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

// repairs are what may follow a publication that has failed, and the deployment that must be
// live then. The last one was 12.
func repairs() map[string]func(h *releaseHarness) int64 {
	return map[string]func(h *releaseHarness) int64{
		"published again": func(h *releaseHarness) int64 {
			h.mustPublish()
			return 12
		},
		"deployed again": func(h *releaseHarness) int64 {
			h.deploy(13)
			h.mustPublish()
			return 13
		},
		"rolled back": func(h *releaseHarness) int64 {
			if _, err := h.rollBack(context.Background(), h.watch); err != nil {
				h.Fatal(err)
			}
			return 11
		},
	}
}

// TestWhatFailedOfAPublicationIsRepaired lets each request of a publication in turn go wrong.
func TestWhatFailedOfAPublicationIsRepaired(t *testing.T) {
	env := s3test.Start(t, nil)
	run := 0
	for when, fault := range faulttest.Faults() {
		for name, repair := range repairs() {
			failed, n := true, 0
			for failed {
				n++
				run++
				h := newReleaseHarness(t, env, fmt.Sprint("run-", run))
				h.deploy(11)
				h.mustPublish()
				h.deploy(12)
				failed = h.failAt(n, fault, func(ctx context.Context, step faulttest.Step) (int64, error) { return 12, h.publish(ctx, step) })
				h.expectLive(repair(h))
				if t.Failed() {
					t.Fatalf("request %d failed %s, then it was %s", n, when, name)
				}
			}
			if n < 20 {
				t.Errorf("only %d requests", n-1)
			}
		}
	}
}

// failAt does something with its n-th request going wrong, and reports false if there are
// fewer requests.
func (h *releaseHarness) failAt(n int, fault faulttest.Fault, do func(context.Context, faulttest.Step) (int64, error)) bool {
	h.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, injected := faulttest.At(n, fault, cancel)
	deployment, err := do(ctx, func(i int, r *http.Request, carry faulttest.Carry) (*http.Response, error) {
		return step(i, r, func() (*http.Response, error) { return h.watch(i, r, carry) })
	})
	if !injected() && err != nil {
		h.Errorf("nothing went wrong, but the error is %v", err)
	}
	if err == nil {
		h.expectLive(deployment)
	}
	return injected()
}

// TestWhatFailedOfARollbackIsRepaired lets each request of a rollback in turn go wrong, and then
// does what the error says.
func TestWhatFailedOfARollbackIsRepaired(t *testing.T) {
	env := s3test.Start(t, nil)
	run := 0
	for when, fault := range faulttest.Faults() {
		for _, again := range []bool{true, false} {
			failed, n := true, 0
			for failed {
				n++
				run++
				h := newReleaseHarness(t, env, fmt.Sprint("run-", run))
				for deployment := range int64(2) {
					h.deploy(11 + deployment)
					h.mustPublish()
				}
				var err error
				failed = h.failAt(n, fault, func(ctx context.Context, step faulttest.Step) (int64, error) {
					_, err = h.rollBack(ctx, step)
					return 11, err
				})
				h.repairRollback(err, again)
				if t.Failed() {
					t.Fatalf("request %d failed %s: %v", n, when, err)
				}
			}
			if n < 25 {
				t.Errorf("only %d requests", n-1)
			}
		}
	}
}

// repairRollback does what the error of a rollback says, or deploys.
func (h *releaseHarness) repairRollback(err error, again bool) {
	h.Helper()
	switch {
	case !again:
		h.deploy(13)
		h.mustPublish()
		h.expectLive(13)
		return
	case err == nil:
	case strings.Contains(err.Error(), "run presize publish --stage "+h.stage):
		h.mustPublish()
	default:
		if _, err := h.rollBack(context.Background(), h.watch); err != nil {
			h.Error(err)
		}
	}
	h.expectLive(11)
}

func TestFunctionsAreBackBeforeTheStack(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	for deployment := range int64(3) {
		h.deploy(10 + deployment)
		h.mustPublish()
	}
	h.oslsFails = true
	if _, err := h.rollBack(t.Context(), h.watch); err == nil || !strings.Contains(err.Error(), "osls rollback; roll back again, or deploy") {
		t.Errorf("got %v", err)
	}
	h.expectLive(11)
	if !strings.Contains(h.out.String(), "its functions are live again, after ") {
		t.Errorf("it says %q", h.out.String())
	}
	h.oslsFails = false
	done, err := h.rollBack(t.Context(), h.watch)
	if err != nil || done.Seconds <= 0 || done.From.UnixMilli() != 12 || done.To.UnixMilli() != 11 || done.Versions[h.name("worker")] == "" {
		t.Errorf("got %+v, %v", done, err)
	}
	h.expectLive(11)
}

// TestRollbackThatIsStoppedGoesBackOnce stops osls while CloudFormation changes the stack, and
// after that.
func TestRollbackThatIsStoppedGoesBackOnce(t *testing.T) {
	for status, want := range map[string]string{
		"UPDATE_IN_PROGRESS": "When presize-prod is UPDATE_COMPLETE, run presize publish --stage prod.",
		"UPDATE_COMPLETE":    "the stack has gone back, and its functions are not live yet: run presize publish --stage prod",
	} {
		h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
		for deployment := range int64(3) {
			h.deploy(10 + deployment)
			h.mustPublish()
		}
		become := func(status string) {
			h.cloudFormation.Change("presize-prod", func(s *stacktest.Stack) { s.Status = status })
		}
		_, err := rollback{stage: "prod", out: &h.out, open: h.open, rollBackStack: func(_ context.Context, to int64) error {
			h.update(to)
			become(status)
			return fmt.Errorf("osls rollback: %w", context.Canceled)
		}}.run(t.Context())
		if err == nil || !strings.Contains(explain(err, "rollback").Error(), want) {
			t.Errorf("%s: %v", status, err)
		}
		if status == "UPDATE_IN_PROGRESS" {
			if _, err := h.rollBack(t.Context(), h.watch); err == nil || !strings.Contains(err.Error(), "wait until that is over") {
				t.Errorf("in the middle of a rollback, the next one ends with %v", err)
			}
		}
		become("UPDATE_COMPLETE")
		h.mustPublish()
		h.expectLive(11)
	}
}

func TestFunctionsComeBackWithTheStack(t *testing.T) {
	for name, lose := range map[string]func(h *releaseHarness) error{
		"no versions are recorded": func(h *releaseHarness) error { return h.env.Input.Delete(t.Context(), h.folder(10)+"/"+recorded) },
		"point the alias of presize-prod-worker to version 1": func(h *releaseHarness) error {
			delete(h.lambda.functions[h.name("worker")].versions, "1")
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
			for deployment := range int64(2) {
				h.deploy(10 + deployment)
				h.mustPublish()
			}
			if err := lose(h); err != nil {
				t.Fatal(err)
			}
			done, err := h.rollBack(t.Context(), h.watch)
			if err != nil || done.Seconds != 0 || !strings.Contains(h.out.String(), name) {
				t.Errorf("got %+v, %v, and it says %q", done, err, h.out.String())
			}
			h.expectLive(10)
		})
	}
}

func TestStackWithoutOslsIsNotRolledBack(t *testing.T) {
	h := newReleaseHarness(t, s3test.Start(t, nil), "prod")
	_, err := rollback{stage: "prod", out: &h.out, open: func(ctx context.Context) (release, error) {
		r, err := h.open(ctx)
		r.history.artifacts = nil
		return r, err
	}}.run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "that osls has not deployed") {
		t.Errorf("got %v", err)
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
