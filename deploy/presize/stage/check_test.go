package stage

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

func TestContradictionsAreNamed(t *testing.T) {
	const certificate = "certificateArn=arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
	for name, test := range map[string]struct {
		set    []string
		region string
		want   []string // the beginnings
	}{
		"nothing set":           {},
		"domain alone":          {set: []string{"domain=a.example"}, want: []string{"domain and certificateArn: set both"}},
		"certificate alone":     {set: []string{certificate}, want: []string{"domain and certificateArn: set both"}},
		"both":                  {set: []string{"domain=a.example", certificate}},
		"domain with scheme":    {set: []string{"domain=https://a.example", certificate}, want: []string{"domain: "}},
		"certificate of eu":     {set: []string{"domain=a.example", strings.Replace(certificate, "us-east-1", "eu-west-1", 1)}, want: []string{"certificateArn: "}},
		"issuer alone":          {set: []string{"jwtIssuer=https://a.example/"}, want: []string{"jwtIssuer and jwtAudience: set both"}},
		"audience alone":        {set: []string{"jwtAudience=a"}, want: []string{"jwtIssuer and jwtAudience: set both"}},
		"plain issuer":          {set: []string{"jwtIssuer=http://a.example/", "jwtAudience=a"}, want: []string{"jwtIssuer: "}},
		"zone without domain":   {set: []string{"hostedZoneId=Z0123456789"}, want: []string{"hostedZoneId needs domain"}},
		"HSTS without domain":   {set: []string{"hstsSubdomains=on"}, want: []string{"hstsSubdomains needs domain"}},
		"budget untold":         {set: []string{"monthlyBudget=100"}, want: []string{"monthlyBudget needs alarmEmail"}},
		"budget":                {set: []string{"monthlyBudget=100", "alarmEmail=a@example.com"}},
		"web ACL of Frankfurt":  {set: []string{"webAclArn=arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/a/00000000"}, want: []string{"webAclArn: "}},
		"certificate of others": {set: []string{"domain=a.example", strings.Replace(certificate, "123456789012", "210987654321", 1)}, want: []string{"certificateArn: arn:aws:acm:us-east-1:210987654321"}},
		"web ACL":               {set: []string{"webAclArn=arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/00000000"}},
		"web ACL of others":     {set: []string{"webAclArn=arn:aws:wafv2:us-east-1:210987654321:global/webacl/a/00000000"}, want: []string{"webAclArn: arn:"}},
		"inspector":             {set: []string{"inspectorArn=arn:aws:lambda:eu-central-1:210987654321:function:a"}},
		"inspector elsewhere":   {set: []string{"inspectorArn=arn:aws:lambda:eu-west-1:123456789012:function:a"}, want: []string{"inspectorArn: arn:aws:lambda:eu-west-1"}},
		"webhook":               {set: []string{"webhookUrl=https://a.example/hooks?a=b"}},
		"webhook to nobody":     {set: []string{"webhookUrl=https:///hooks"}, want: []string{"webhookUrl: "}},
		"longest grant":         {set: []string{"grantSeconds=3600"}},
		"grant over session":    {set: []string{"grantSeconds=3601"}, want: []string{"grantSeconds: 3601 is more than 3600"}},
		"grant for ages":        {set: []string{"grantSeconds=99999999999999999999"}, want: []string{"grantSeconds: "}},
		"cold, never expired":   {set: []string{"originalsColdDays=90"}},
		"cold, then expired":    {set: []string{"originalsColdDays=89", "originalsExpireDays=90"}},
		"expired as cold":       {set: []string{"originalsColdDays=90", "originalsExpireDays=90"}, want: []string{"originalsColdDays: 90 is not before the 90"}},
		"expired early":         {set: []string{"originalsExpireDays=18"}, want: []string{"originalsExpireDays: "}},
		"logs in Frankfurt":     {set: []string{"accessLogDays=30"}, region: "eu-central-1"},
		"logs in Zurich":        {set: []string{"accessLogDays=30"}, region: "eu-central-2", want: []string{"accessLogDays: CloudFront delivers no logs"}},
		"no logs in Zurich":     {region: "eu-central-2"},
		"retention by guess":    {set: []string{"logRetentionDays=31"}, want: []string{"logRetentionDays: "}},
		"origins":               {set: []string{"allowedOrigins=https://a.example,http://localhost:3000"}},
		"origin with path":      {set: []string{"allowedOrigins=https://a.example/,https://b.example"}, want: []string{`allowedOrigins: "https://a.example/"`}},
		"any origin":            {set: []string{"allowedOrigins=*"}, want: []string{"allowedOrigins: "}},
		"any subdomain":         {set: []string{"allowedOrigins=https://*.a.example"}, want: []string{"allowedOrigins: "}},
		"price class":           {set: []string{"priceClass=all"}, want: []string{"priceClass: "}},
		"words for numbers":     {set: []string{"maxBytes=50MB", "apiConcurrency=-1"}, want: []string{"apiConcurrency: ", "maxBytes: "}},
		"no API at all":         {set: []string{"apiConcurrency=0"}},
		"tracing":               {set: []string{"tracing=yes"}, want: []string{"tracing: "}},
		"address":               {set: []string{"alarmEmail=ops"}, want: []string{"alarmEmail: "}},
		"fewest workers":        {set: []string{"workerConcurrency=2", "heldAnswers=0"}},
		"most workers":          {set: []string{"workerConcurrency=1000", "heldAnswers=1"}},
		"one worker":            {set: []string{"workerConcurrency=1"}, want: []string{"workerConcurrency: "}},
		"too many workers":      {set: []string{"workerConcurrency=1001", "heldAnswers=2"}, want: []string{"heldAnswers: ", "workerConcurrency: "}},
		"everything at once": {
			set: []string{"domain=a.example", "jwtAudience=a", "grantSeconds=7200", "originalsColdDays=400", "originalsExpireDays=30", "accessLogDays=9"}, region: "me-south-1",
			want: []string{"accessLogDays: ", "domain and", "grantSeconds: ", "jwtIssuer and", "originalsColdDays: "},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := read(t, "", test.set...).Check("123456789012", cmp.Or(test.region, "eu-central-1"))
			slices.Sort(got)
			if !slices.EqualFunc(got, test.want, strings.HasPrefix) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestEveryParameterIsChecked(t *testing.T) {
	p := read(t, "")
	for name := range p.Defaults {
		if _, ok := p.patterns[name]; !ok {
			t.Errorf("nothing says what %s may be", name)
		}
	}
}

func TestWhatShouldNotGoUnseenIsWarnedOf(t *testing.T) {
	for file, want := range map[string][]string{
		"": {"alarmEmail is empty", "jwtIssuer is empty"},
		"alarmEmail: a@example.com\njwtIssuer: https://a.example/\njwtAudience: a\n": nil,
		"originalsColdDays: 30\noriginalsExpireDays: 119\n":                          {"alarmEmail is empty", "jwtIssuer is empty", "originalsExpireDays: originals are deleted 89 days"},
		"originalsColdDays: 30\noriginalsExpireDays: 120\n":                          {"alarmEmail is empty", "jwtIssuer is empty"},
		"originalsColdDays: 30\n":                                                    {"alarmEmail is empty", "jwtIssuer is empty"},
		"originalsExpireDays: 30\n":                                                  {"alarmEmail is empty", "jwtIssuer is empty"},
	} {
		if got := read(t, file).Warnings(); !slices.EqualFunc(got, want, strings.HasPrefix) {
			t.Errorf("%q: got %q, want %q", file, got, want)
		}
	}
}
