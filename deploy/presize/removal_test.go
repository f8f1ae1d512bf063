package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
)

// removalHarness is a real S3 server with buckets, and a stack that has some of them.
type removalHarness struct {
	removal
	server         *s3local.Server
	cloudFormation *stacktest.CloudFormation
	buckets        []string // of the stack
	removals       int      // how often the stack was removed
	out            strings.Builder
	queue          map[string]*queue.Queue // by its id in the template
	urls           map[string]string
}

const owner = "owner"

// newRemovalHarness starts a server with as many pairs of buckets, and deploys a stack with the first one.
func newRemovalHarness(t *testing.T, pairs int) *removalHarness {
	t.Helper()
	t.Chdir(t.TempDir()) // the server changes it, this changes it back
	config := s3local.Config{Dir: t.TempDir(), Address: s3test.FreeAddress(t), Accounts: []string{owner}, Versions: true}
	for i := range pairs {
		for _, name := range pair(i) {
			arn := "arn:aws:s3:::" + name
			config.Buckets = append(config.Buckets, s3local.Bucket{Name: name, Statements: []s3local.Statement{{
				Sid: "Owner", Effect: "Allow", Principal: owner, Action: []string{"s3:*"}, Resource: []string{arn, arn + "/*"},
			}}})
		}
	}
	server, err := s3local.Start(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	h := &removalHarness{server: server, queue: make(map[string]*queue.Queue), urls: make(map[string]string)}
	h.removal = removal{
		stage:   "prod",
		region:  "eu-central-1",
		objects: server.Client(owner),
		queues:  h.startQueues(t),
		out:     &h.out,
		removeStack: func(context.Context) error {
			h.removals++
			h.cloudFormation.Delete("presize-prod")
			return nil
		},
	}
	h.deploy(t, 0)
	return h
}

// pair is a plain bucket and a versioned one.
func pair(i int) []string {
	return []string{fmt.Sprintf("plain-%d", i), fmt.Sprintf("versioned-%d", i)}
}

// deploy makes the stack have a pair of buckets, and one that somebody has deleted.
func (h *removalHarness) deploy(t *testing.T, i int) {
	t.Helper()
	h.buckets, h.fixed = pair(i), []string{pair(i)[1]}
	var resources []stacktest.Resource
	for _, name := range append(pair(i), "gone") {
		resources = append(resources, stacktest.Resource{ID: "Bucket-" + name, Name: name, Type: "AWS::S3::Bucket", Status: "CREATE_COMPLETE"})
	}
	for id, url := range h.urls {
		resources = append(resources, stacktest.Resource{ID: id, Name: url, Type: "AWS::SQS::Queue", Status: "CREATE_COMPLETE"})
	}
	h.cloudFormation = stacktest.Start(t, stacktest.Stack{
		ID: "arn:1", Name: "presize-prod", Status: "CREATE_COMPLETE", Resources: resources,
	})
	h.stack = stack.Stack{Client: h.cloudFormation.Client(), Name: stack.Name("prod")}
}

// answer runs the removal with an answer to its question.
func (h *removalHarness) answer(ctx context.Context, answer string) error {
	h.out.Reset()
	h.in = strings.NewReader(answer)
	_, err := h.run(ctx)
	return err
}

// fill puts objects in the buckets, in the second one two versions of each. Half of them are deleted there, which
// leaves a third thing.
func (h *removalHarness) fill(t *testing.T, keys int) {
	t.Helper()
	if _, err := h.objects.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  &h.buckets[1],
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	plain, versioned := bucket.New(h.objects, h.buckets[0]), bucket.New(h.objects, h.buckets[1])
	for i := range keys {
		info := bucket.Info{Key: fmt.Sprintf("i/ä b+%d", i), ContentType: "image/png"}
		for _, b := range []*bucket.Bucket{versioned, versioned, plain} {
			if err := b.Put(t.Context(), info, []byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		if i%2 == 0 {
			if err := versioned.Delete(t.Context(), info.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// left returns those of the stack's buckets that there are.
func (h *removalHarness) left(t *testing.T) []string {
	t.Helper()
	names, err := h.stack.ExistingBuckets(t.Context(), h.objects)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// expectUntouched fails the test unless both buckets and the objects of fill are there.
func (h *removalHarness) expectUntouched(t *testing.T) {
	t.Helper()
	if got := h.left(t); !slices.Equal(got, h.buckets) {
		t.Fatalf("buckets %q", got)
	}
	if _, err := bucket.New(h.objects, h.buckets[0]).Head(t.Context(), "i/ä b+0"); err != nil {
		t.Error(err)
	}
}

func TestNothingIsRemovedWithoutTheStagesName(t *testing.T) {
	h := newRemovalHarness(t, 1)
	h.fill(t, 1)
	for _, data := range []bool{false, true} {
		h.data = data
		for _, answer := range []string{"", "\n", "y\n", "yes\n", "PROD\n", "prod-2\n", "presize-prod\n", "dev"} {
			if err := h.answer(t.Context(), answer); !errors.Is(err, errNotConfirmed) {
				t.Errorf("%q: %v", answer, err)
			}
		}
	}
	h.expectUntouched(t)
	if h.removals > 0 {
		t.Error("the stack was removed")
	}
}

// After 90 days CloudFormation remembers no stack that has been removed.
func TestBucketsThatNoStackRemembersAreDeletedToo(t *testing.T) {
	h := newRemovalHarness(t, 1)
	h.fill(t, 1)
	h.stack.Client = stacktest.Start(t).Client()
	h.fixed = pair(0)
	if err := h.answer(t.Context(), ""); err != nil || !strings.Contains(h.out.String(), "versioned-0 is still there") {
		t.Errorf("without data: %v\n%s", err, h.out.String())
	}
	h.data = true
	if err := h.answer(t.Context(), "prod\n"); err != nil || h.removals != 0 {
		t.Errorf("%v, removed %d times", err, h.removals)
	}
	for _, name := range pair(0) {
		if _, err := h.objects.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &name}); err == nil {
			t.Errorf("the bucket %s is still there", name)
		}
	}
}

func TestBucketsStayUnlessAskedFor(t *testing.T) {
	h := newRemovalHarness(t, 1)
	h.fill(t, 1)
	if err := h.answer(t.Context(), "prod\n"); err != nil {
		t.Fatal(err)
	}
	h.expectUntouched(t)
	if h.removals != 1 {
		t.Errorf("the stack was removed %d times", h.removals)
	}
	for _, want := range []string{"stack presize-prod will be removed", "stay, with everything in them:\n  plain-0\n  versioned-0\n", "bucket plain-0 is still there. No deployment takes it over",
		"bucket versioned-0 is still there. The next `make deploy` takes it over", "wait a minute"} {
		if !strings.Contains(h.out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, h.out.String())
		}
	}
	if strings.Contains(h.out.String(), "gone") {
		t.Errorf("it speaks of a bucket that is gone:\n%s", h.out.String())
	}

	// Later, somebody wants them gone too.
	h.data = true
	if err := h.answer(t.Context(), "nonsense\n"); !errors.Is(err, errNotConfirmed) {
		t.Errorf("not confirmed: %v", err)
	}
	h.expectUntouched(t)
	if err := h.answer(t.Context(), "prod\n"); err != nil || h.removals != 1 || len(h.left(t)) != 0 {
		t.Errorf("%v, removed %d times, buckets %q", err, h.removals, h.left(t))
	}
	if want := "--path /presize/prod/ "; !strings.Contains(h.out.String(), want) {
		t.Errorf("it does not say how to delete the secrets:\n%s", h.out.String())
	}
	h.fixed = nil
	if err := h.answer(t.Context(), ""); err != nil || !strings.Contains(h.out.String(), "there is no stack presize-prod") {
		t.Errorf("with nothing left: %v\n%s", err, h.out.String())
	}
}
