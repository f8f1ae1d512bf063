package stack_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"go.yaml.in/yaml/v3"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stack/stacktest"
	"github.com/presize/presize/internal/s3local/s3test"
)

func TestStackIsDescribed(t *testing.T) {
	c := stacktest.Start(t, stacktest.Stack{
		ID: "arn:1", Name: "presize-prod", Status: "UPDATE_COMPLETE",
		Outputs: []stacktest.Output{{Name: "SiteUrl", Value: "https://a"}, {Name: "DistributionId", Value: "E1"}},
	}, stacktest.Stack{ID: "arn:0", Name: "presize-old", Status: stacktest.Deleted})

	s := stack.Stack{Client: c.Client(), Name: stack.Name("prod")}
	if status, err := s.Status(t.Context()); status != "UPDATE_COMPLETE" || err != nil {
		t.Errorf("status %q, %v", status, err)
	}
	if outputs, err := s.Outputs(t.Context()); outputs["SiteUrl"] != "https://a" || outputs["DistributionId"] != "E1" || err != nil {
		t.Errorf("outputs %q, %v", outputs, err)
	}
	for _, stage := range []string{"old", "never"} {
		s.Name = stack.Name(stage)
		if _, err := s.Outputs(t.Context()); !errors.Is(err, stack.ErrNone) {
			t.Errorf("outputs of %s: %v", s.Name, err)
		}
	}
}

func TestBucketsOfEarlierStacksAreFound(t *testing.T) {
	env := s3test.Start(t, nil)
	bucket := func(name, status string) stacktest.Resource {
		return stacktest.Resource{ID: "Bucket-" + name, Name: name, Type: "AWS::S3::Bucket", Status: status}
	}
	c := stacktest.Start(t,
		stacktest.Stack{ID: "arn:4", Name: "presize-prod", Status: "CREATE_COMPLETE", Resources: []stacktest.Resource{
			{ID: "Q", Name: "queue", Type: "AWS::SQS::Queue", Status: "CREATE_COMPLETE"},
			bucket(s3test.Input, "CREATE_COMPLETE"),
			{ID: "ServerlessDeploymentBucket", Name: s3test.Output, Type: "AWS::S3::Bucket", Status: "CREATE_COMPLETE"},
		}},
		stacktest.Stack{ID: "arn:3", Name: "presize-production", Status: "CREATE_COMPLETE", Resources: []stacktest.Resource{
			bucket(s3test.Output, "CREATE_COMPLETE"),
		}},
		stacktest.Stack{ID: "arn:2", Name: "presize-dev", Status: stacktest.Deleted, Resources: []stacktest.Resource{
			bucket(s3test.Output, "DELETE_COMPLETE"), // somebody else's by now
			bucket("deleted-since", "DELETE_SKIPPED"),
			bucket("", "CREATE_FAILED"),
		}},
		stacktest.Stack{ID: "arn:1", Name: "presize-dev", Status: stacktest.Deleted, Resources: []stacktest.Resource{
			bucket(s3test.Input, "DELETE_SKIPPED"),
		}},
		stacktest.Stack{ID: "arn:0", Name: "presize-dev", Status: stacktest.Deleted, Resources: []stacktest.Resource{
			bucket(s3test.Input, "DELETE_SKIPPED"),
		}},
	)
	for stage, want := range map[string][]string{
		"prod": {s3test.Input}, "production": {s3test.Output}, "dev": {s3test.Input}, "never": nil,
	} {
		s := stack.Stack{Client: c.Client(), Name: stack.Name(stage)}
		got, err := s.ExistingBuckets(t.Context(), env.Server.Client(s3test.Owner))
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: got %q, %v, want %q", stage, got, err, want)
		}
	}
}

func TestStackOfAnImportGetsOutputs(t *testing.T) {
	c := stacktest.Start(t)
	s := stack.Stack{Client: c.Client(), Name: stack.Name("prod")}
	if err := s.Import(t.Context(), map[string]string{"InputBucket": s3test.Input}, time.Minute); err != nil {
		t.Fatal(err)
	}
	before, err := s.Template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddOutputs(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	outputs, err := s.Outputs(t.Context())
	if err != nil || len(outputs) != 1 || outputs["InputBucketName"] != s3test.Input {
		t.Errorf("outputs %q, %v", outputs, err)
	}
	after, err := s.Template(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var old, now map[string]any
	if err := errors.Join(json.Unmarshal([]byte(before), &old), json.Unmarshal([]byte(after), &now)); err != nil {
		t.Fatal(err)
	}
	if delete(now, "Outputs"); !reflect.DeepEqual(now, old) {
		t.Errorf("the update changes more than outputs: %s", after)
	}
}

func TestImportMakesAStackOfTheBuckets(t *testing.T) {
	buckets := deployed(t) // before the S3 server changes the folder
	for name, before := range map[string][]stacktest.Stack{
		"after an earlier stack":      {{ID: "1", Name: "presize-prod", Status: stacktest.Deleted}},
		"after an interrupted import": {{ID: "1", Name: "presize-prod", Status: "REVIEW_IN_PROGRESS"}},
		"after a failed import":       {{ID: "1", Name: "presize-prod", Status: "IMPORT_ROLLBACK_COMPLETE"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := stacktest.Start(t, before...)
			s := stack.Stack{Client: c.Client(), Name: stack.Name("prod")}
			if err := s.Import(t.Context(), map[string]string{"InputBucket": s3test.Input, "SiteBucket": s3test.Output}, time.Minute); err != nil {
				t.Fatal(err)
			}
			if status, err := s.Status(t.Context()); status != "IMPORT_COMPLETE" || err != nil {
				t.Errorf("status %q, %v", status, err)
			}
			got, err := s.ExistingBuckets(t.Context(), s3test.Start(t, nil).Server.Client(s3test.Owner))
			if want := []string{s3test.Input, s3test.Output}; !slices.Equal(got, want) || err != nil {
				t.Errorf("the stack has %q, %v", got, err)
			}
			out, err := s.Client.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &s.Name})
			if err != nil {
				t.Fatal(err)
			}
			var template struct {
				Resources map[string]struct {
					DeletionPolicy string
					Properties     map[string]any
				}
			}
			if err := json.Unmarshal([]byte(*out.TemplateBody), &template); err != nil {
				t.Fatal(err)
			}
			for id, bucket := range map[string]string{"InputBucket": s3test.Input, "SiteBucket": s3test.Output} {
				got := template.Resources[id]
				want := map[string]any{"BucketName": bucket}
				for _, name := range []string{"PublicAccessBlockConfiguration", "OwnershipControls", "BucketEncryption"} {
					want[name] = buckets[id].Properties[name]
				}
				// Without the policy CloudFormation refuses the import.
				if got.DeletionPolicy != "Retain" || !reflect.DeepEqual(got.Properties, want) {
					t.Errorf("%s is imported as %v, want %v", id, got, want)
				}
			}
		})
	}
}

// properties are those of a resource in a template.
type properties struct {
	Properties map[string]any `yaml:"Properties"`
}

// deployed returns the buckets of the template that is deployed, by their ids.
func deployed(t *testing.T) map[string]properties {
	t.Helper()
	text, err := os.ReadFile("../../template/buckets.yml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]properties `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return template.Resources
}

func TestOnlyAStackWithoutResourcesIsEmpty(t *testing.T) {
	for name, test := range map[string]struct {
		resources []stacktest.Resource
		want      bool
	}{
		"nothing":         {nil, true},
		"a failed import": {[]stacktest.Resource{{ID: "B", Type: "AWS::S3::Bucket", Status: "IMPORT_ROLLBACK_COMPLETE"}}, true},
		"deployed": {[]stacktest.Resource{
			{ID: "B", Type: "AWS::S3::Bucket", Status: "IMPORT_ROLLBACK_COMPLETE"}, {ID: "Q", Type: "AWS::SQS::Queue", Status: "UPDATE_COMPLETE"},
		}, false},
	} {
		c := stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Status: "IMPORT_ROLLBACK_COMPLETE", Resources: test.resources})
		got, err := stack.Stack{Client: c.Client(), Name: "presize-prod"}.IsEmpty(t.Context())
		if got != test.want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestProtectionIsLifted(t *testing.T) {
	for _, protected := range []bool{true, false} {
		s := stack.Stack{Client: stacktest.Start(t, stacktest.Stack{ID: "1", Name: "presize-prod", Protected: protected}).Client(), Name: "presize-prod"}
		if err := s.Unprotect(t.Context()); err != nil {
			t.Fatal(err)
		}
		out, err := s.Client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &s.Name})
		if err != nil || *out.Stacks[0].EnableTerminationProtection {
			t.Errorf("it is still protected, %v", err)
		}
	}
}
