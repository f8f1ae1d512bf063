package stage

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/presize/presize/worker/notify"
)

// Patterns of the parameters that CloudFormation does not check itself.
const (
	whole   = `^[1-9]\d*$`
	natural = `^\d+$`
)

// patterns returns what values must match: what CloudFormation checks by itself,
// though only after everything is built, and the rest.
func patterns(checkout fs.FS) (map[string]string, error) {
	var template struct {
		Parameters map[string]struct {
			AllowedPattern string   `yaml:"AllowedPattern"`
			AllowedValues  []string `yaml:"AllowedValues"`
		} `yaml:"Parameters"`
	}
	if err := decode(checkout, "deploy/template/parameters.yml", &template); err != nil {
		return nil, err
	}
	patterns := map[string]string{
		"priceClass":        `^PriceClass_(100|200|All)$`,
		"maxBytes":          whole,
		"maxMegapixels":     whole,
		"maxFrames":         whole,
		"grantSeconds":      whole,
		"apiRate":           whole,
		"apiBurst":          whole,
		"deleteRate":        whole,
		"apiConcurrency":    natural,
		"workerConcurrency": `^([2-9]|[1-9][0-9]{1,2}|1000)$`,
		"heldAnswers":       `^[01]$`,
		chosen:              `^(workerConcurrency|heldAnswers|heldAnswers,workerConcurrency)$`,
		// What CloudWatch knows.
		// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
		"logRetentionDays": `^(1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653)$`,
	}
	for name, parameter := range template.Parameters {
		name = strings.ToLower(name[:1]) + name[1:]
		if len(parameter.AllowedValues) > 0 {
			patterns[name] = "^(" + strings.Join(parameter.AllowedValues, "|") + ")$"
		} else {
			patterns[name] = parameter.AllowedPattern
		}
	}
	return patterns, nil
}

// MaxGrantSeconds is how long a grant can be valid: its URL is signed with credentials
// of the API's role, whose session lasts an hour.
const MaxGrantSeconds = 3600

// Check returns every contradiction in the parameters of a stage in an account's region, one
// sentence each.
func (p Parameters) Check(account, region string) []string {
	var wrong []string
	want := func(holds bool, format string, args ...any) {
		if !holds {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Set)) {
		value := p.Value(name)
		matches, err := regexp.MatchString(p.patterns[name], value)
		want(value == "" || err == nil && matches, "%s: %q does not match %s", name, value, p.patterns[name])
	}
	together := func(a, b, why string) {
		want((p.Value(a) == "") == (p.Value(b) == ""), "%s and %s: set both or none. %s", a, b, why)
	}
	together("domain", "certificateArn", "CloudFront serves a domain only with its certificate")
	together("jwtIssuer", "jwtAudience", "a token is checked for both")
	needs := func(a, b, why string) {
		want(p.Value(a) == "" || p.Value(b) != "", "%s needs %s: %s", a, b, why)
	}
	needs("hostedZoneId", "domain", "the records are those of the domain")
	needs("hstsSubdomains", "domain", "the one that CloudFront gives has no subdomains")
	needs("monthlyBudget", "alarmEmail", "somebody must be told")
	want(p.number("grantSeconds") <= MaxGrantSeconds,
		"grantSeconds: %s is more than %d, after which the URL of a grant ends with the session of the API's role", p.Value("grantSeconds"), MaxGrantSeconds)
	cold, expire := p.number("originalsColdDays"), p.number("originalsExpireDays")
	want(expire == 0 || cold < expire, "originalsColdDays: %d is not before the %d of originalsExpireDays", cold, expire)
	want(p.Value("accessLogDays") == "" || slices.Contains(loggedRegions, region),
		"accessLogDays: CloudFront delivers no logs to buckets in %s", region)
	want(!strings.Contains(p.Value("domain"), "/"), "domain: %q is no host name: leave out https:// and any path", p.Value("domain"))
	for _, name := range []string{"certificateArn", "webAclArn"} {
		want(p.Value(name) == "" || arnField(p.Value(name), 4) == account, "%s: %s is not of the account %s, and CloudFront takes no other's", name, p.Value(name), account)
	}
	inspector := p.Value("inspectorArn")
	want(inspector == "" || arnField(inspector, 3) == region, "inspectorArn: %s is not in %s, where the worker asks it", inspector, region)
	if url := p.Value("webhookUrl"); url != "" {
		err := notify.ParseURL(url, false)
		want(err == nil, "webhookUrl: %v", err)
	}
	for _, origin := range strings.FieldsFunc(p.Value("allowedOrigins"), func(r rune) bool { return r == ',' }) {
		want(isOrigin(origin), "allowedOrigins: %q is no origin such as https://app.example.com", origin)
	}
	return wrong
}

// Warnings returns what may be meant, but should not go unseen.
func (p Parameters) Warnings() []string {
	warnings := []string{}
	if p.Value("alarmEmail") == "" {
		warnings = append(warnings, "alarmEmail is empty: nobody is told of an alarm")
	}
	if p.Value("jwtIssuer") == "" {
		warnings = append(warnings, "jwtIssuer is empty: anybody may upload, at your cost")
	}
	cold, expire := p.number("originalsColdDays"), p.number("originalsExpireDays")
	if cold > 0 && expire > cold && expire-cold < leastColdDays {
		warnings = append(warnings, fmt.Sprintf("originalsExpireDays: originals are deleted %d days after they have become cold, and S3 bills %d of these days at least",
			expire-cold, leastColdDays))
	}
	return warnings
}

// leastColdDays is for how long S3 bills an object in Glacier Instant Retrieval at least.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
const leastColdDays = 90

// number returns the value of a parameter that has no sign, and 0 for anything else.
func (p Parameters) number(name string) int {
	n, err := strconv.Atoi(cmp.Or(p.Value(name), "0"))
	if errors.Is(err, strconv.ErrSyntax) {
		return 0 // its pattern has been checked
	}
	return n // the largest number if the value is out of range
}

// arnField returns one of the six fields of an ARN, the first one is 0.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
func arnField(arn string, n int) string {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 {
		return "" // its pattern has been checked
	}
	return fields[n]
}

// isOrigin reports whether a browser may send text as its Origin.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		text == u.Scheme+"://"+u.Host && !strings.Contains(text, "*")
}

// loggedRegions are the regions that every account has. CloudFront writes its legacy
// logs to buckets there, but not in regions that an account has to opt in to.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var loggedRegions = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
	"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}
