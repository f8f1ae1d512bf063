package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/origin"
)

// privateURLs are URLs of each kind that a private upload has.
func privateURLs() []string {
	manifest := media.URL(media.Private.ManifestKey(someID))
	variant := media.URL(media.Private.VariantKey(someID, "0a1b2c3d", "640", media.WebP))
	return []string{manifest, variant, strings.TrimSuffix(variant, media.WebP.Extension()), media.URL(media.Private.Prefix(someID))}
}

// checkPrivate checks that private uploads are served to signed requests only, and cached by the CDN all the same.
func checkPrivate(t template, r *report) {
	group := ""
	for _, url := range privateURLs() {
		b := behaviorFor(t, url)
		groups := b.at("TrustedKeyGroups").items()
		r.want(len(groups) == 1 && t.Resources[groups[0].refers()].Type == "AWS::CloudFront::KeyGroup", "%s must be for signed requests only", url)
		if len(groups) == 1 {
			group = groups[0].refers()
		}
		// The objects say private, which CloudFront overrules by a minimum.
		cache := t.props(b.at("CachePolicyId").refers()).at("CachePolicyConfig")
		r.want(number(cache.at("MinTTL")) > 0, "%s must be cached by the CDN although it is private", url)
		r.wantText(cache.at("ParametersInCacheKeyAndForwardedToOrigin", "QueryStringsConfig", "QueryStringBehavior"), "none", "%s: signatures in the cache's key", url)
	}
	for _, url := range []string{manifestURL, variantURL, autoURL, statusURL, "/"} {
		r.want(behaviorFor(t, url).at("TrustedKeyGroups").value == nil, "%s must need no signature", url)
	}
	keys := references(t.props(group).at("KeyGroupConfig", "Items").value)
	for slot, key := range map[string]string{"SigningKeyA": "SigningPublicKeyA", "SigningKeyB": "SigningPublicKeyB"} {
		r.want(slices.Contains(keys, key), "the key group must have %s", key)
		encoded := references(t.props(key).at("PublicKeyConfig", "EncodedKey").value)
		r.want(t.Resources[key].Type == "AWS::CloudFront::PublicKey" && t.Resources[key].Condition == "Has"+slot && slices.Contains(encoded, slot),
			"%s must be the public key %s, where there is one", key, slot)
	}
	checkSigner(t, r)
}

// checkSigner checks that the API signs with a key of SSM that it alone may read.
func checkSigner(t template, r *report) {
	name := t.props(apiFunction).at("Environment", "Variables", "PRESIZE_SIGNING_KEY").text()
	r.want(strings.HasPrefix(name, "/"), "%s: PRESIZE_SIGNING_KEY must be a parameter of SSM, is %q", apiFunction, name)
	id := references(t.props(apiFunction).at("Environment", "Variables", "PRESIZE_SIGNING_KEY_ID").value)
	r.want(slices.Contains(id, "SigningPublicKeyA") && slices.Contains(id, "SigningPublicKeyB"), "%s: PRESIZE_SIGNING_KEY_ID must be that of a public key", apiFunction)
	var readers []string
	for _, role := range t.ofType("AWS::IAM::Role") {
		for _, p := range permissions(t, r, role) {
			if strings.HasPrefix(p.action, "ssm:") || strings.HasPrefix(p.action, "kms:") {
				readers = append(readers, role+" "+p.action+" "+p.resource)
			}
		}
	}
	// The role is changed before the function: it must be able to read the key of the deployment before, too.
	var want []string
	for _, slot := range []string{"a", "b"} {
		key := strings.ReplaceAll(name, "${SigningKey}", slot)
		want = append(want, t.props(apiFunction).at("Role").refers()+" ssm:GetParameter arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter"+key)
	}
	readers = slices.DeleteFunc(readers, func(reader string) bool { // checkWebhooks has the other one
		return strings.HasSuffix(reader, ":parameter"+variableOf(t, notifyFunction, "PRESIZE_WEBHOOK_SECRET").text())
	})
	r.want(slices.Equal(readers, want), "only the API must read the signing keys, and only those: %q", readers)
}

// checkCORS checks that other origins may use the API by parameter only, and without cookies.
func checkCORS(t template, r *report) {
	apis := t.ofType("AWS::ApiGatewayV2::Api")
	r.want(len(apis) == 1, "there must be one HTTP API")
	for _, id := range apis {
		cors := t.props(id).at("CorsConfiguration")
		rule := cors.only("HasAllowedOrigins")
		r.want(rule.value != nil, "%s must allow other origins by parameter only", id)
		r.want(slices.Contains(references(rule.at("AllowOrigins").value), "AllowedOrigins"), "%s must allow the origins of the parameter", id)
		r.want(rule.at("AllowCredentials").value == nil, "%s must take no cookies of other origins", id)
		for _, method := range []string{"GET", "POST", "DELETE"} {
			r.want(slices.Contains(rule.at("AllowMethods").texts(), method), "%s must allow other origins to %s", id, method)
		}
		for _, header := range []string{"authorization", "content-type", "prefer", "upload-secret"} {
			r.want(slices.Contains(rule.at("AllowHeaders").texts(), header), "%s must allow the header %s of other origins", id, header)
		}
		r.want(!slices.ContainsFunc(append(rule.at("AllowHeaders").texts(), rule.at("AllowMethods").texts()...), func(text string) bool { return text == "*" }),
			"%s must allow other origins nothing unnamed", id)
	}
}

// checkOriginSecret checks that the API knows what comes from the distribution, by a secret that the template does
// not tell: it refers to SSM, and the parameters are digests. A new version must change the template, or CloudFront
// goes on sending the old one.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
func checkOriginSecret(t template, r *report) {
	for _, o := range t.props(distribution).at("DistributionConfig", "Origins").items() {
		headers := o.at("OriginCustomHeaders")
		if o.at("DomainName").text() != apiOrigin {
			r.want(headers.value == nil, "origin %s must get no secret", o.at("Id").text())
			continue
		}
		sent := headers.only("SendsOriginSecret").list()
		r.want(len(sent) == 1 && sent[0].at("HeaderName").text() == origin.Header &&
			secretInSSM.MatchString(sent[0].at("HeaderValue").text()), "the API must get a version of a secret that is in SSM, by parameter")
	}
	condition := references(t.Conditions["SendsOriginSecret"].value)
	for _, parameter := range []string{"OriginDigestA", "OriginDigestB", "SigningKey"} {
		r.want(slices.Contains(condition, parameter), "SendsOriginSecret must hold by %s", parameter)
	}
	r.wantText(variableOf(t, apiFunction, "PRESIZE_ORIGIN_DIGESTS"), "${OriginDigestA},${OriginDigestB}", "%s: PRESIZE_ORIGIN_DIGESTS", apiFunction)
	r.want(slices.Contains(t.Resources[apiFunction].DependsOn.texts(), distribution), "%s must demand a secret after %s sends it", apiFunction, distribution)
}

var secretInSSM = regexp.MustCompile(`^\{\{resolve:ssm:/presize/[a-z0-9-]+/origin-secret-\$\{SigningKey\}:\$\{OriginVersion\}\}\}$`)
