package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/s3local/s3test"
)

// releaseHarness is a stage with two functions whose deployments are numbered.
type releaseHarness struct {
	*testing.T
	env            s3test.Env
	stage          string // also part of every key, so that a server is enough for many harnesses
	lambda         *lambdaServer
	cloudFormation *stacktest.CloudFormation
	transport      *faulttest.Transport
	folders        []string // of the deployments that are kept
	oslsFails      bool
	out            strings.Builder
}

func newReleaseHarness(t *testing.T, env s3test.Env, stage string) *releaseHarness {
	t.Helper()
	h := &releaseHarness{T: t, env: env, stage: stage, lambda: startLambda(t), transport: faulttest.New()}
	var aliases []stacktest.Resource
	for _, name := range []string{h.name("api"), h.name("worker")} {
		h.lambda.functions[name] = &lambdaFunction{versions: make(map[string]string), alias: latest}
		aliases = append(aliases, stacktest.Resource{
			ID: name, Name: "arn:aws:lambda:eu-central-1:1:function:" + name + ":live", Type: "AWS::Lambda::Alias", Status: "CREATE_COMPLETE",
		})
	}
	h.cloudFormation = stacktest.Start(t, stacktest.Stack{ID: "1", Name: stack.Name(stage), Status: "UPDATE_COMPLETE", Resources: aliases})
	return h
}

func (h *releaseHarness) name(function string) string { return stack.Name(h.stage) + "-" + function }

// content is what a function is after a deployment. The API only changes with the even ones.
func content(name string, deployment int64) string {
	if strings.HasSuffix(name, "-api") {
		deployment -= deployment % 2
	}
	return fmt.Sprintf("%s of %d", name, deployment)
}

// folder is that of a deployment, before it is ended by a slash.
func (h *releaseHarness) folder(deployment int64) string {
	return fmt.Sprintf("serverless/presize/%s/%d-x", h.stage, deployment)
}

// deploy deploys as osls does, which keeps the last five.
func (h *releaseHarness) deploy(deployment int64) {
	h.Helper()
	folder := h.folder(deployment)
	if err := h.env.Input.Put(context.Background(), bucket.Info{Key: folder + "/" + compiled}, []byte(templateOf(folder))); err != nil {
		h.Fatal(err)
	}
	h.folders = append(h.folders, folder)
	for len(h.folders) > 5 {
		if err := h.env.Input.Delete(context.Background(), h.folders[0]+"/"+compiled, h.folders[0]+"/"+recorded); err != nil {
			h.Fatal(err)
		}
		h.folders = h.folders[1:]
	}
	h.update(deployment)
}

func templateOf(folder string) string {
	return fmt.Sprintf(`{"Resources":{"F":{"S3Key":"%s/api.zip"}}}`, folder)
}

// update changes the stack to what a deployment is.
func (h *releaseHarness) update(deployment int64) {
	h.Helper()
	h.cloudFormation.Change(stack.Name(h.stage), func(s *stacktest.Stack) { s.Template = templateOf(h.folder(deployment)) })
	h.lambda.mu.Lock()
	defer h.lambda.mu.Unlock()
	for name, function := range h.lambda.functions {
		function.latest = content(name, deployment)
	}
}

// open returns the release, whose requests go through the transport.
func (h *releaseHarness) open(ctx context.Context) (release, error) {
	formation := cloudformation.New(h.cloudFormation.Client().Options(), func(o *cloudformation.Options) { o.HTTPClient = &http.Client{Transport: h.transport} })
	s := stack.Stack{Client: formation, Name: stack.Name(h.stage)}
	found, err := findFunctions(ctx, s, h.lambda.client(h.transport))
	found.pause = 2 * time.Millisecond
	artifacts := bucket.New(h.transport.Client(h.env.Server.Client(s3test.Owner)), s3test.Input)
	return release{functions: found, out: &h.out, history: history{stack: s, artifacts: artifacts, prefix: "serverless/presize/" + h.stage + "/"}}, err
}

// publish publishes with step in the place of the requests.
func (h *releaseHarness) publish(ctx context.Context, step faulttest.Step) error {
	h.Helper()
	h.transport.Restart(step)
	release, err := h.open(ctx)
	if err == nil {
		_, err = release.publish(ctx)
	}
	return err
}

func (h *releaseHarness) mustPublish() {
	h.Helper()
	if err := h.publish(context.Background(), h.watch); err != nil {
		h.Fatal(err)
	}
}

// rollBack rolls back with step in the place of the requests.
func (h *releaseHarness) rollBack(ctx context.Context, step faulttest.Step) (rolledBack, error) {
	h.Helper()
	h.transport.Restart(step)
	h.out.Reset()
	return rollback{stage: h.stage, begun: time.Now(), out: &h.out, open: h.open, rollBackStack: func(ctx context.Context, to int64) error {
		if err := ctx.Err(); err != nil || h.oslsFails {
			return errors.Join(errors.New("osls rollback"), err)
		}
		h.update(to)
		return nil
	}}.run(ctx)
}

// watch sends a request, and fails the test unless after it every alias points to
// something that is there, and that has been deployed.
func (h *releaseHarness) watch(_ int, _ *http.Request, carry faulttest.Carry) (*http.Response, error) {
	h.Helper()
	response, err := carry()
	h.lambda.mu.Lock()
	defer h.lambda.mu.Unlock()
	for name, function := range h.lambda.functions {
		if !strings.HasPrefix(function.runs(), name+" of ") {
			h.Errorf("version %s of %s is %q", function.alias, name, function.runs())
		}
	}
	return response, err
}

// expectLive fails the test unless a deployment is live and recorded, and every version of
// every record is there, as it was deployed.
func (h *releaseHarness) expectLive(wanted int64) {
	h.Helper()
	h.transport.Restart(nil)
	release, err := h.open(context.Background())
	if err != nil {
		h.Fatal(err)
	}
	now := make(versions)
	for name, function := range h.lambda.functions {
		now[name] = function.alias
		if function.runs() != content(name, wanted) || function.alias == latest {
			h.Errorf("version %s of %s is live: %q", function.alias, name, function.runs())
		}
	}
	for _, folder := range h.folders {
		var at int64
		if _, err := fmt.Sscanf(folder, "serverless/presize/"+h.stage+"/%d", &at); err != nil {
			h.Fatal(err)
		}
		record, err := release.history.versions(context.Background(), deployment{folder: folder + "/"})
		switch {
		case errors.Is(err, bucket.ErrNotFound) && at != wanted:
			continue
		case err != nil:
			h.Errorf("deployment %d: %v", at, err)
		case at == wanted && !maps.Equal(record, now):
			h.Errorf("recorded is %v, live %v", record, now)
		}
		for name, version := range record {
			if got := h.lambda.functions[name].versions[version]; got != content(name, at) {
				h.Errorf("version %s of %s, of deployment %d, is %q", version, name, at, got)
			}
		}
	}
}

// versionsOf returns the numbers of a function's versions.
func (h *releaseHarness) versionsOf(function string) []string {
	h.lambda.mu.Lock()
	defer h.lambda.mu.Unlock()
	return slices.Sorted(maps.Keys(h.lambda.functions[h.name(function)].versions))
}
