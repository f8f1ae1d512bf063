package template_test

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

var deployment = template.Deployment{InputBucket: "in", OutputBucket: "out", UploadOrigin: "http://localhost:9000", Events: true}

func TestRolesNameExactActionsOnTheStacksBuckets(t *testing.T) {
	known := regexp.MustCompile(`^s3:[A-Za-z]+ arn:aws:s3:::(in|out)(/[a-z].*)?$`)
	for _, role := range []string{"ApiRole", "WorkerRole"} {
		statements, err := deployment.RoleStatements(role)
		if err != nil {
			t.Fatal(err)
		}
		got := permissions(statements)
		if !slices.Contains(got, "s3:GetObject arn:aws:s3:::in/originals/*") {
			t.Errorf("%s may not read originals: %q", role, got)
		}
		for _, permission := range got {
			if !known.MatchString(permission) {
				t.Errorf("%s: unexpected permission %q", role, permission)
			}
		}
	}
}

func TestCloudFrontMayOnlyReadWhatIsPublished(t *testing.T) {
	statements, err := deployment.CloudFrontStatements()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"s3:GetObject arn:aws:s3:::out/i/*", "s3:GetObject arn:aws:s3:::out/p/*", "s3:ListBucket arn:aws:s3:::out"}
	if got := permissions(statements); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// permissions lists every pair of an action and a resource, sorted.
func permissions(statements []template.Statement) (all []string) {
	for _, statement := range statements {
		for _, action := range statement.Action {
			for _, resource := range statement.Resource {
				all = append(all, action+" "+resource)
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestPageMaySendEveryHeaderOfAGrant(t *testing.T) {
	rule, err := deployment.UploadCORS()
	if err != nil {
		t.Fatal(err)
	}
	input := bucket.New(s3.New(s3.Options{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
	}), "in")
	grant, err := input.PresignPut(t.Context(), bucket.Grant{
		Key: "key", ContentType: "image/png", Bytes: 1, SHA256: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		Metadata: map[string]string{media.PresetMetadata: "photo", media.FilenameMetadata: "a.png"}, TTL: time.Minute,
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(grant.Headers) < 5 {
		t.Errorf("a grant of everything has only the headers %v", grant.Headers)
	}
	for name := range grant.Headers {
		if !slices.ContainsFunc(rule.AllowedHeaders, func(allowed string) bool {
			matches, err := path.Match(allowed, strings.ToLower(name))
			return matches && err == nil
		}) {
			t.Errorf("a grant's header %s is not allowed", name)
		}
	}
}

func TestUnknownNamesAreErrors(t *testing.T) {
	if _, err := deployment.RoleStatements("NoRole"); err == nil || !strings.Contains(err.Error(), "NoRole") {
		t.Errorf("unknown role: %v", err)
	}
	if _, err := deployment.RoleStatements("Distribution"); err == nil {
		t.Error("a role that is none was found")
	}
}

// What these say is the business of deploy/verify, and how it is answered that of
// the local stack, which leaves out Strict-Transport-Security.
func TestEveryBehaviorIsReadWhole(t *testing.T) {
	distribution, err := deployment.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	if last := distribution.Behaviors[len(distribution.Behaviors)-1]; last.PathPattern != "*" {
		t.Errorf("the last behavior is for %s", last.PathPattern)
	}
	for _, behavior := range distribution.Behaviors {
		names := make(map[string]string)
		for _, header := range behavior.Headers {
			names[header.Name] = header.Value
		}
		for _, name := range []string{"Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Content-Security-Policy"} {
			if names[name] == "" {
				t.Errorf("%s: no %s", behavior.PathPattern, name)
			}
		}
		if (behavior.Function.Name == "") != (behavior.Function.Code == "") || (len(behavior.Associations) > 0) != (behavior.Function.Name != "") {
			t.Errorf("%s: function %q with %d bytes of code", behavior.PathPattern, behavior.Function.Name, len(behavior.Function.Code))
		}
	}
}
