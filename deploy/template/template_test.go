package template_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/deploy/template"
)

var deployment = template.Deployment{InputBucket: "in", OutputBucket: "out", UploadOrigin: "http://localhost:9000"}

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
	want := []string{"s3:GetObject arn:aws:s3:::out/i/*", "s3:ListBucket arn:aws:s3:::out"}
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

func TestPageMayOnlyPut(t *testing.T) {
	rule, err := deployment.UploadCORS()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(rule.AllowedMethods, []string{"PUT"}) || rule.MaxAge == 0 {
		t.Errorf("rule: %+v", rule)
	}
	for _, header := range []string{"content-type", "if-none-match", "x-amz-checksum-sha256", "x-amz-meta-*"} {
		if !slices.Contains(rule.AllowedHeaders, header) {
			t.Errorf("a grant's header %s is not allowed", header)
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

func TestDistributionLeadsEveryPathToItsOrigin(t *testing.T) {
	distribution, err := deployment.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	if distribution.RootObject != "index.html" {
		t.Errorf("root object %q", distribution.RootObject)
	}
	var got []string
	for _, behavior := range distribution.Behaviors {
		got = append(got, behavior.PathPattern+" "+behavior.Origin)
	}
	want := []string{"/api/* api", "/i/*/manifest.json output", "/i/*.* output", "/i/* output", "* site"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFunctionsStandWhereThePathsNeedThem(t *testing.T) {
	distribution, err := deployment.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"/i/*": "image.mjs", "*": "site.mjs"}
	for _, behavior := range distribution.Behaviors {
		if got := behavior.Function; got.Name != want[behavior.PathPattern] || (got.Code == "") != (got.Name == "") {
			t.Errorf("%s: function %q with %d bytes of code", behavior.PathPattern, got.Name, len(got.Code))
		}
	}
}

func TestEveryBehaviorHasItsSecurityHeaders(t *testing.T) {
	distribution, err := deployment.Distribution()
	if err != nil {
		t.Fatal(err)
	}
	for _, behavior := range distribution.Behaviors {
		headers := make(map[string]string)
		for _, header := range behavior.Headers {
			headers[header.Name] = header.Value
			if !header.Override {
				t.Errorf("%s: %s yields to the origin's", behavior.PathPattern, header.Name)
			}
		}
		if headers["X-Content-Type-Options"] != "nosniff" || headers["X-Frame-Options"] != "DENY" ||
			headers["Referrer-Policy"] != "no-referrer" ||
			!strings.HasPrefix(headers["Strict-Transport-Security"], "max-age=63072000") {
			t.Errorf("%s: %v", behavior.PathPattern, headers)
		}
		policy := headers["Content-Security-Policy"]
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", behavior.PathPattern, policy)
		}
		if page := behavior.Origin == "site"; page != strings.Contains(policy, "connect-src 'self' http://localhost:9000;") {
			t.Errorf("%s: policy %q", behavior.PathPattern, policy)
		}
	}
}
