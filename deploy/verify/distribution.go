package main

import (
	"io/fs"
	"slices"
	"strings"

	sources "github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/web"
)

const distributionARN = "arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/${Distribution}"

// Policies that AWS manages:
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
const (
	cachingDisabled           = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
	allViewerExceptHostHeader = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
)

// The domain names of the origins.
const (
	apiOrigin    = "${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
	outputOrigin = "${OutputBucket.RegionalDomainName}"
	siteOrigin   = "${SiteBucket.RegionalDomainName}"
)

// URLs of each kind that the service gives out.
var (
	someID      = media.ID("mzxw6ytboi2gk3tdmuqhg5dbna")
	statusURL   = media.StatusURL(someID)
	manifestURL = media.URL(media.ManifestKey(someID))
	variantURL  = media.URL(media.VariantKey(someID, "0a1b2c3d", "640", media.WebP))
	autoURL     = strings.TrimSuffix(variantURL, media.WebP.Extension())
)

// behaviorFor is the behavior that answers a path, as CloudFront chooses it: the first that matches, or the default.
func behaviorFor(t template, path string) node {
	config := t.props(distribution).at("DistributionConfig")
	for _, b := range config.at("CacheBehaviors").items() {
		if sources.PathPattern(b.at("PathPattern").text()).MatchString(path) {
			return b
		}
	}
	return config.at("DefaultCacheBehavior")
}

func checkDistribution(t template, r *report) {
	config := t.props(distribution).at("DistributionConfig")
	r.wantText(config.at("Enabled"), "true", "the distribution: Enabled")
	_, err := fs.Stat(web.FS, config.at("DefaultRootObject").text())
	r.want(err == nil, "the distribution's root object must be a file of the page")
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

// checkOrigins checks that what the distribution asks its origins for is encrypted, and signed where a bucket
// would refuse it otherwise.
func checkOrigins(t template, r *report, config node) {
	for _, o := range config.at("Origins").items() {
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
		readable := slices.ContainsFunc(statementsOf(t, id), func(s node) bool {
			return s.at("Effect").text() == "Allow" && slices.Contains(s.at("Action").texts(), "s3:GetObject") &&
				s.at("Condition", "StringEquals", "aws:SourceArn").text() == distributionARN
		})
		r.want(readable, "%s must let the distribution read", id)
	}
}

// checkBehaviors checks that every URL of the service reaches its origin, and what happens to it on the way.
func checkBehaviors(t template, r *report, config node) {
	for _, b := range append(config.at("CacheBehaviors").items(), config.at("DefaultCacheBehavior")) {
		pattern := b.at("PathPattern").text()
		r.want(slices.Contains([]string{"https-only", "redirect-to-https"}, b.at("ViewerProtocolPolicy").text()),
			"behavior %q must not answer plain HTTP", pattern)
		r.want(originOf(config, b) == apiOrigin || len(b.at("AllowedMethods").items()) <= 3, "behavior %q must be for reading only", pattern)
	}
	origins := map[string]string{statusURL: apiOrigin, manifestURL: outputOrigin, variantURL: outputOrigin, autoURL: outputOrigin, "/": siteOrigin}
	for _, file := range files(web.FS) {
		origins["/"+file] = siteOrigin
	}
	for path, origin := range origins {
		r.want(originOf(config, behaviorFor(t, path)) == origin, "%s must lead to %s", path, origin)
	}

	api := behaviorFor(t, statusURL)
	r.wantText(api.at("CachePolicyId"), cachingDisabled, "the API: caching")
	r.wantText(api.at("OriginRequestPolicyId"), allViewerExceptHostHeader, "the API: what reaches it")
	for _, method := range []string{"GET", "POST", "DELETE"} {
		r.want(slices.Contains(api.at("AllowedMethods").texts(), method), "the distribution must let %s through to the API", method)
	}
	cache := t.props(behaviorFor(t, manifestURL).at("CachePolicyId").refers()).at("CachePolicyConfig")
	r.want(cache.value != nil && "max-age="+cache.at("MaxTTL").text() == media.SettledMaxAge,
		"the distribution must cache a manifest for as long as it says itself when it is settled")

	for _, path := range []string{statusURL, manifestURL, variantURL} {
		r.want(behaviorFor(t, path).at("FunctionAssociations").value == nil, "%s must pass no function, which costs money", path)
	}
	for _, path := range []string{autoURL, "/"} {
		checkFunction(t, r, path)
	}
}

// checkFunction checks that a path passes a function before the cache is asked, and that CloudFront can run it.
func checkFunction(t template, r *report, path string) {
	associations := behaviorFor(t, path).at("FunctionAssociations").items()
	if len(associations) != 1 || associations[0].at("EventType").text() != "viewer-request" {
		r.want(false, "%s must pass a function first", path)
		return
	}
	id := associations[0].at("FunctionARN").refers()
	function := t.props(id)
	r.wantText(function.at("FunctionConfig", "Runtime"), "cloudfront-js-2.0", "%s: runtime", id) // the code is written for it
	r.wantText(function.at("AutoPublish"), "true", "%s: publishing", id)
	code := function.at("FunctionCode").text()
	r.want(strings.Contains(code, "\nfunction handler(event) {"), "%s must have its code", id)
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-functions
	r.want(len(code) <= 10<<10, "%s must have 10 KB at most, has %d bytes", id, len(code))
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

// files are the names of all files in a file system without folders.
func files(system fs.FS) []string {
	names, err := fs.Glob(system, "*")
	if err != nil {
		panic(err) // the pattern is well-formed
	}
	return names
}
