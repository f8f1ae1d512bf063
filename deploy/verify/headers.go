package main

import (
	"slices"
	"strings"
)

// checkHeaders checks the headers that the distribution adds to every answer: for a page a policy that is as strict
// as it can be, and where one URL has several answers, what they depend on.
func checkHeaders(t template, r *report) {
	upload := "https://" + t.props(inputBucket).at("BucketName").text() + ".s3.${AWS::Region}.${AWS::URLSuffix}"
	page := headersFor(t, "/")
	checkPolicy(r, "the page's policy", page, map[string]string{"img-src": "blob:", "connect-src": upload})
	r.want(strings.Contains(policyOf(page), upload), "the page's policy must let it upload to %s", upload)
	for _, directive := range []string{"base-uri 'none'", "form-action 'none'"} { // default-src is not for these
		r.want(slices.Contains(strings.Split(policyOf(page), "; "), directive), "the page's policy must say %s", directive)
	}
	r.want(slices.ContainsFunc(page.at("CustomHeadersConfig", "Items").items(), func(n node) bool {
		return n.at("Header").text() == "Permissions-Policy"
	}), "the page must have a permissions policy")

	for _, path := range []string{statusURL, manifestURL, variantURL, autoURL} {
		checkPolicy(r, "the policy of "+path, headersFor(t, path), nil)
	}
	for _, path := range []string{"/", statusURL, manifestURL, variantURL, autoURL} {
		checkSecurityHeaders(r, path, headersFor(t, path).at("SecurityHeadersConfig"))
	}
	r.want(slices.ContainsFunc(headersFor(t, autoURL).at("CustomHeadersConfig", "Items").items(), func(n node) bool {
		varies := n.at("Value").branches()
		return n.at("Header").text() == "Vary" && n.at("Override").text() == "true" && len(varies) == 2 &&
			varies[0].text() == "Accept, Origin" && varies[1].text() == "Accept"
	}), "%s must tell caches that the answer depends on Accept", autoURL)
	for _, path := range []string{manifestURL, variantURL, autoURL} {
		checkReaders(r, path, headersFor(t, path).at("CorsConfig").only("HasAllowedOrigins"))
	}
	r.want(headersFor(t, statusURL).at("CorsConfig").value == nil, "the API answers for itself who may read")
}

// checkReaders checks that pages of the allowed origins, and no others, may read what is at a path.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-response-headers-policies.html#understanding-response-headers-policies-cors
func checkReaders(r *report, path string, cors node) {
	r.want(cors.at("AccessControlAllowOrigins", "Items").text() == "${AllowedOrigins}" && cors.at("OriginOverride").text() == "true",
		"%s must be readable by pages of the allowed origins", path)
	r.want(cors.at("AccessControlAllowCredentials").text() == "false" &&
		slices.Equal(cors.at("AccessControlAllowMethods", "Items").texts(), []string{"GET", "HEAD"}), "%s must be for reading without credentials", path)
}

// headersFor is the response headers policy of the behavior that answers a path.
func headersFor(t template, path string) node {
	return t.props(behaviorFor(t, path).at("ResponseHeadersPolicyId").refers()).at("ResponseHeadersPolicyConfig")
}

func checkSecurityHeaders(r *report, path string, security node) {
	r.want(number(security.at("StrictTransportSecurity", "AccessControlMaxAgeSec")) >= 31536000, "%s must demand HTTPS for a year at least", path)
	r.want(security.at("ContentTypeOptions").value != nil, "%s must forbid sniffing", path)
	r.wantText(security.at("FrameOptions", "FrameOption"), "DENY", "%s: frame options", path)
	r.wantText(security.at("ReferrerPolicy", "ReferrerPolicy"), "no-referrer", "%s: referrer policy", path) // URLs hold ids
	for _, header := range security.keys() {
		r.wantText(security.at(header, "Override"), "true", "%s: override of %s", path, header)
	}
}

// checkPolicy checks that a content security policy allows nothing but the origin itself, and for some directives
// one other source.
func checkPolicy(r *report, name string, headers node, others map[string]string) {
	policy := policyOf(headers)
	directives := strings.Split(policy, "; ")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'"} {
		r.want(slices.Contains(directives, want), "%s must say %s: %s", name, want, policy)
	}
	for _, directive := range directives {
		fields := strings.Fields(directive)
		for _, source := range fields[min(1, len(fields)):] {
			r.want(source == "'none'" || source == "'self'" || source == others[fields[0]], "%s must have no gap: %s", name, directive)
		}
	}
}

func policyOf(headers node) string {
	return headers.at("SecurityHeadersConfig", "ContentSecurityPolicy", "ContentSecurityPolicy").text()
}
