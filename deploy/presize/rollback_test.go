package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/s3local/s3test"
)

func TestRollbackFindsTheDeploymentBefore(t *testing.T) {
	env := s3test.Start(t, nil)
	// template is one whose code is of a time, whose layer is older, and which has a key.
	template := func(at int, key string) string {
		return fmt.Sprintf(`{"Metadata":{"presize":{"parameters":{"signingKeyA":%q}}},"Resources":{"F":{"S3Key":"serverless/presize/prod/%d-x/api.zip"},
			"L":{"S3Key":"serverless/presize/prod/1-x/libvips.zip"},"Other":{"S3Key":"serverless/presize/dev/9-x/api.zip"}}}`, key, at)
	}
	for key, content := range map[string]string{
		"serverless/presize/prod/2-x/" + compiled:        template(2, "a"),
		"serverless/presize/prod/10-x/" + compiled:       template(10, "a"),
		"serverless/presize/prod/20-x/" + compiled:       template(20, "b"),
		"serverless/presize/prod/30-x/" + compiled:       template(30, "b"),
		"serverless/presize/prod/29-x/api.zip":           "cut off before its template",
		"serverless/presize/production/25-x/" + compiled: template(25, "b"),
		"serverless/presize/prod/40-x/" + compiled:       template(40, "b"),
		"serverless/presize/prod/40-x/" + recorded:       "{}",
		"serverless/presize/prod/50-x/" + compiled:       template(50, "b"), // has failed
		"serverless/presize/prod/60-x/" + compiled:       template(60, "b"),
		"serverless/presize/prod/60-x/" + recorded:       "{}",
	} {
		if err := env.Input.Put(t.Context(), bucket.Info{Key: key}, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		now  string
		from int64
		to   int64
		want string // of the error
	}{
		"last one":            {template(30, "b"), 30, 20, ""},
		"rolled back already": {template(10, "a"), 10, 2, ""},
		"after a failed one":  {template(60, "b"), 60, 40, ""},
		"before the records":  {template(40, "b"), 40, 30, ""},
		"other key":           {template(20, "b"), 0, 0, "signingKeyA has changed"},
		"put back secret":     {strings.Replace(template(30, "b"), `{"sign`, `{"originVersion":"3","sign`, 1), 30, 20, ""},
		"first one":           {template(2, "a"), 0, 0, "no deployment before"},
		"of buckets only":     {"{}", 0, 0, "no deployment before"},
	} {
		t.Run(name, func(t *testing.T) {
			cloudFormation := stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Status: "UPDATE_COMPLETE", Template: test.now})
			h := history{
				stack:     stack.Stack{Client: cloudFormation.Client(), Name: "presize-prod"},
				artifacts: env.Input, prefix: "serverless/presize/prod/",
			}
			from, to, err := h.step(t.Context())
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
				return
			}
			if from.at != test.from || to.at != test.to || err != nil {
				t.Errorf("got %v, %v, %v, want %d, %d", from, to, err, test.from, test.to)
			}
		})
	}
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
