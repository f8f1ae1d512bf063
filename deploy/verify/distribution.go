package main

import (
	"slices"
	"strings"
)

const distributionARN = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"

// Policies that AWS manages:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
const (
	cachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	allViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
)

// behavior is where a path of the one domain must lead.
type behavior struct {
	path     string // empty for the default
	origin   string // its domain name
	headers  string // the response headers policy
	function string // that sees requests before the cache, or none
}

var behaviors = []behavior{
	{"/api/*", "${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}", "DataHeaders", ""},
	{"/i/*/manifest.json", "${OutputBucket.RegionalDomainName}", "DataHeaders", ""},
	{"/i/*.*", "${OutputBucket.RegionalDomainName}", "DataHeaders", ""},
	{"/i/*", "${OutputBucket.RegionalDomainName}", "NegotiatedHeaders", "ImageFunction"},
	{"", "${SiteBucket.RegionalDomainName}", "PageHeaders", "SiteFunction"},
}

func checkDistribution(t template, r *report) {
	config := t.props(distribution).at("DistributionConfig")
	r.wantText(config.at("Enabled"), "true", "the distribution: Enabled")
	r.wantText(config.at("HttpVersion"), "http2and3", "the distribution: HTTP version")
	r.wantText(config.at("IPV6Enabled"), "true", "the distribution: IPv6")
	r.wantText(config.at("DefaultRootObject"), "index.html", "the distribution: root object")
	for _, certificate := range config.at("ViewerCertificate").branches() {
		r.want(certificate.at("CloudFrontDefaultCertificate").text() == "true" || certificate.at("MinimumProtocolVersion").text() == "TLSv1.2_2021",
			"the distribution must refuse TLS older than 1.2 on its own domain")
	}
	checkOrigins(t, r, config)
	checkBehaviors(t, r, config)
	// CloudFront caches an error for 10 s unless told otherwise, and "not there yet" is an error.
	fresh := slices.ContainsFunc(config.at("CustomErrorResponses").items(), func(n node) bool {
		return n.at("ErrorCode").text() == "404" && n.at("ErrorCachingMinTTL").text() == "0"
	})
	r.want(fresh, "the distribution must not cache a 404")
}

func checkOrigins(t template, r *report, config node) {
	origins := config.at("Origins").items()
	r.want(len(origins) == 3, "the distribution must have three origins")
	for _, o := range origins {
		name := o.at("Id").text()
		if o.at("S3OriginConfig").value == nil {
			r.wantText(o.at("CustomOriginConfig", "OriginProtocolPolicy"), "https-only", "origin %s: protocol", name)
			continue
		}
		access := t.props(o.at("OriginAccessControlId").refers()).at("OriginAccessControlConfig")
		r.want(access.at("OriginAccessControlOriginType").text() == "s3" && access.at("SigningBehavior").text() == "always" &&
			access.at("SigningProtocol").text() == "sigv4", "origin %s must be read by origin access control", name)
	}
	for _, id := range []string{outputBucket, siteBucket} {
		readable := slices.ContainsFunc(t.ofType("AWS::S3::BucketPolicy"), func(policy string) bool {
			return t.props(policy).at("Bucket").text() == "${"+id+"}" &&
				slices.ContainsFunc(t.props(policy).at("PolicyDocument", "Statement").items(), func(s node) bool {
					return s.at("Effect").text() == "Allow" && slices.Contains(s.at("Action").texts(), "s3:GetObject") &&
						s.at("Condition", "StringEquals", "aws:SourceArn").text() == distributionARN
				})
		})
		r.want(readable, "%s must let the distribution read", id)
	}
}

func checkBehaviors(t template, r *report, config node) {
	all := append(config.at("CacheBehaviors").items(), config.at("DefaultCacheBehavior"))
	var paths []string
	for _, b := range all {
		paths = append(paths, b.at("PathPattern").text())
		r.want(slices.Contains([]string{"https-only", "redirect-to-https"}, b.at("ViewerProtocolPolicy").text()),
			"behavior %q must not answer plain HTTP", b.at("PathPattern").text())
	}
	var wanted []string
	for _, want := range behaviors {
		wanted = append(wanted, want.path)
	}
	if !slices.Equal(paths, wanted) {
		r.want(false, "the distribution's behaviors must be %q in this order, are %q", wanted, paths)
		return
	}
	for i, want := range behaviors {
		r.want(originOf(config, all[i]) == want.origin, "behavior %q must lead to %s", want.path, want.origin)
		r.wantText(all[i].at("ResponseHeadersPolicyId"), "${"+want.headers+"}", "behavior %q: headers", want.path)
		checkFunction(t, r, want, all[i].at("FunctionAssociations").items())
	}
	api, manifest, page := all[0], all[1], all[len(all)-1]
	r.wantText(api.at("CachePolicyId"), cachingDisabled, "behavior %q: caching", "/api/*")
	r.wantText(api.at("OriginRequestPolicyId"), allViewerExceptHostHeader, "behavior %q: what reaches the origin", "/api/*")
	r.want(len(api.at("AllowedMethods").items()) == 7, "behavior %q must allow all methods", "/api/*")
	cache := t.props(manifest.at("CachePolicyId").refers()).at("CachePolicyConfig")
	r.want(cache.value != nil && number(cache.at("MaxTTL")) <= 60, "a manifest must be cached for a minute at most")
	r.wantText(page.at("Compress"), "true", "the page: compression")
}

// checkFunction checks that a behavior has the function that it must have, and that CloudFront can run it.
func checkFunction(t template, r *report, want behavior, associations []node) {
	if want.function == "" {
		r.want(len(associations) == 0, "behavior %q must have no function", want.path)
		return
	}
	r.want(len(associations) == 1 && associations[0].at("EventType").text() == "viewer-request" &&
		associations[0].at("FunctionARN").text() == "${"+want.function+".FunctionARN}",
		"behavior %q must hand requests to %s first", want.path, want.function)
	function := t.props(want.function)
	r.wantText(function.at("FunctionConfig", "Runtime"), "cloudfront-js-2.0", "%s: runtime", want.function)
	r.wantText(function.at("AutoPublish"), "true", "%s: publishing", want.function)
	code := function.at("FunctionCode").text()
	r.want(strings.Contains(code, "\nfunction handler(event) {"), "%s must have its code", want.function)
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions
	r.want(len(code) <= 10<<10, "%s must have 10 KB at most, has %d bytes", want.function, len(code))
}

// originOf is the domain name of the origin that b leads to.
func originOf(config, b node) string {
	for _, o := range config.at("Origins").items() {
		if o.at("Id").text() == b.at("TargetOriginId").text() {
			return o.at("DomainName").text()
		}
	}
	return ""
}

// checkHeaders checks the security headers, and above all that the page's policy is as strict as it can be.
func checkHeaders(t template, r *report) {
	for _, id := range []string{"PageHeaders", "DataHeaders", "NegotiatedHeaders"} {
		security := t.props(id).at("ResponseHeadersPolicyConfig", "SecurityHeadersConfig")
		r.want(number(security.at("StrictTransportSecurity", "AccessControlMaxAgeSec")) >= 31536000, "%s must demand HTTPS for a year at least", id)
		r.wantText(security.at("ContentTypeOptions", "Override"), "true", "%s: nosniff", id)
		r.wantText(security.at("FrameOptions", "FrameOption"), "DENY", "%s: frame options", id)
		r.want(security.at("ReferrerPolicy", "ReferrerPolicy").text() != "", "%s must have a referrer policy", id)
		csp := security.at("ContentSecurityPolicy", "ContentSecurityPolicy").text()
		r.want(strings.HasPrefix(csp, "default-src 'none'; ") && strings.HasSuffix(csp, "; frame-ancestors 'none'"),
			"%s must forbid by default, and framing: %s", id, csp)
		r.want(!strings.Contains(csp, "unsafe") && !strings.Contains(csp, " *"), "%s must have no gap: %s", id, csp)
	}
	page := t.props("PageHeaders").at("ResponseHeadersPolicyConfig")
	upload := "https://" + t.props(inputBucket).at("BucketName").text() + ".s3.${AWS::Region}.${AWS::URLSuffix}"
	directives := strings.Split(page.at("SecurityHeadersConfig", "ContentSecurityPolicy", "ContentSecurityPolicy").text(), "; ")
	for _, want := range []string{
		"script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self' " + upload,
		"form-action 'none'", "base-uri 'none'",
	} {
		r.want(slices.Contains(directives, want), "PageHeaders: the content security policy must say: %s", want)
	}
	permissions := slices.ContainsFunc(page.at("CustomHeadersConfig", "Items").items(), func(n node) bool {
		return n.at("Header").text() == "Permissions-Policy"
	})
	r.want(permissions, "PageHeaders must have a permissions policy")
	varies := slices.ContainsFunc(t.props("NegotiatedHeaders").at("ResponseHeadersPolicyConfig", "CustomHeadersConfig", "Items").items(), func(n node) bool {
		return n.at("Header").text() == "Vary" && n.at("Value").text() == "Accept" && n.at("Override").text() == "true"
	})
	r.want(varies, "NegotiatedHeaders must tell caches that the answer depends on Accept")
}
