package main

import (
	"strings"
	"testing"
)

func TestDistribution(t *testing.T) {
	config := func(steps ...any) []any { return props(distribution, append([]any{"DistributionConfig"}, steps...)...) }
	behavior := func(steps ...any) []any { return config(append([]any{"CacheBehaviors"}, steps...)...) }
	testEdits(t, map[string]edit{
		"no root object":         {"root object must be a file of the page", nil, config("DefaultRootObject")},
		"other root object":      {"root object must be a file of the page", "home.html", config("DefaultRootObject")},
		"old TLS":                {"refuse TLS older than 1.2", "TLSv1", config("ViewerCertificate", "Fn::If", 1, "MinimumProtocolVersion")},
		"404 cached":             {"must not cache a 404", 10, config("CustomErrorResponses", 0, "ErrorCachingMinTTL")},
		"API over HTTP":          {"origin api: protocol must be", "http-only", config("Origins", 2, "CustomOriginConfig", "OriginProtocolPolicy")},
		"no origins":             {"/ must lead to ${SiteBucket.RegionalDomainName}", []any{}, config("Origins")},
		"no access control":      {"origin output must be read by origin access control", nil, config("Origins", 1, "OriginAccessControlId")},
		"unsigned":               {"origin site must be read by origin access control", "never", props("OriginAccessControl", "OriginAccessControlConfig", "SigningBehavior")},
		"distribution kept out":  {"SiteBucket must let the distribution read", "Deny", props("SiteBucketPolicy", "PolicyDocument", "Statement", 1, "Effect")},
		"plain HTTP":             {`behavior "/i/*.*" must not answer plain HTTP`, "allow-all", behavior(2, "ViewerProtocolPolicy")},
		"behaviors out of order": {"must cache a manifest for as long as it says itself", "/x/*", behavior(1, "PathPattern")},
		"images from the site":   {variantURL + " must lead to ${OutputBucket.RegionalDomainName}", "site", behavior(2, "TargetOriginId")},
		"API from the site":      {statusURL + " must lead to ${HttpApi}.execute-api", "/x/*", behavior(0, "PathPattern")},
		"images can be put":      {`behavior "/i/*.*" must be for reading only`, []any{"GET", "HEAD", "OPTIONS", "PUT"}, behavior(2, "AllowedMethods")},
		"API cached":             {"the API: caching must be", "658327ea-f89d-4fab-a63d-7e88639e58f6", behavior(0, "CachePolicyId")},
		"API sees no headers":    {"the API: what reaches it must be", nil, behavior(0, "OriginRequestPolicyId")},
		"API is read only":       {"must let DELETE through to the API", []any{"GET", "HEAD"}, behavior(0, "AllowedMethods")},
		"manifest cached long":   {"must cache a manifest for as long as it says itself", 3600, props("ManifestCache", "CachePolicyConfig", "MaxTTL")},
		"no auto URLs":           {autoURL + " must pass a function first", nil, behavior(3, "FunctionAssociations")},
		"function after cache":   {autoURL + " must pass a function first", "viewer-response", behavior(3, "FunctionAssociations", 0, "EventType")},
		"function for variants":  {variantURL + " must pass no function", []any{map[string]any{"EventType": "viewer-request"}}, behavior(2, "FunctionAssociations")},
		"function not published": {"ImageFunction: publishing must be", nil, props("ImageFunction", "AutoPublish")},
		"older runtime":          {"SiteFunction: runtime must be", "cloudfront-js-1.0", props("SiteFunction", "FunctionConfig", "Runtime")},
		"no code":                {"ImageFunction must have its code", "{}", props("ImageFunction", "FunctionCode")},
		"much code":              {"SiteFunction must have 10 KB at most", strings.Repeat("\nfunction handler(event) {}", 1000), props("SiteFunction", "FunctionCode")},
	})
}

func TestHeaders(t *testing.T) {
	header := func(id string, steps ...any) []any {
		return props(id, append([]any{"ResponseHeadersPolicyConfig"}, steps...)...)
	}
	csp := func(id string) []any {
		return header(id, "SecurityHeadersConfig", "ContentSecurityPolicy", "ContentSecurityPolicy")
	}
	const closed = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	testEdits(t, map[string]edit{
		"headers forgotten": {variantURL + " must demand HTTPS", nil, props(distribution, "DistributionConfig", "CacheBehaviors", 2, "ResponseHeadersPolicyId")},
		"short HSTS":        {statusURL + " must demand HTTPS for a year", 60, header("DataHeaders", "SecurityHeadersConfig", "StrictTransportSecurity", "AccessControlMaxAgeSec")},
		"sniffing":          {"/ must forbid sniffing", nil, header("PageHeaders", "SecurityHeadersConfig", "ContentTypeOptions")},
		"origin's headers":  {"/: override of FrameOptions must be", false, header("PageHeaders", "SecurityHeadersConfig", "FrameOptions", "Override")},
		"framing":           {"/: frame options must be", "SAMEORIGIN", header("PageHeaders", "SecurityHeadersConfig", "FrameOptions", "FrameOption")},
		"referrer":          {"/: referrer policy must be", "origin", header("PageHeaders", "SecurityHeadersConfig", "ReferrerPolicy", "ReferrerPolicy")},
		"no CSP":            {"the policy of " + statusURL + " must say default-src 'none'", nil, csp("DataHeaders")},
		"framing by CSP":    {"the page's policy must say frame-ancestors 'none'", "default-src 'none'; base-uri 'none'; form-action 'none'", csp("PageHeaders")},
		"forms":             {"the page's policy must say form-action 'none'", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'", csp("PageHeaders")},
		"inline script":     {"the page's policy must have no gap: script-src", "default-src 'none'; script-src 'self' 'unsafe-inline'; " + closed, csp("PageHeaders")},
		"scripts from all":  {"the page's policy must have no gap: script-src", "default-src 'none'; script-src *; " + closed, csp("PageHeaders")},
		"images from all":   {"the page's policy must have no gap: img-src", "default-src 'none'; img-src 'self' https:; " + closed, csp("PageHeaders")},
		"data from all":     {"the policy of " + statusURL + " must have no gap: img-src", "default-src 'none'; img-src blob:; frame-ancestors 'none'", csp("DataHeaders")},
		"uploads forbidden": {"the page's policy must let it upload to https://presize-dev-input-", "default-src 'none'; connect-src 'self'; " + closed, csp("PageHeaders")},
		"no Vary":           {autoURL + " must tell caches", nil, header("NegotiatedHeaders", "CustomHeadersConfig")},
		"Vary may be lost":  {autoURL + " must tell caches", false, header("NegotiatedHeaders", "CustomHeadersConfig", "Items", 0, "Override")},
		"permissions":       {"the page must have a permissions policy", nil, header("PageHeaders", "CustomHeadersConfig")},
	})
}
