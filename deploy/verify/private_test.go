package main

import "testing"

func TestPrivate(t *testing.T) {
	behavior := func(at int, steps ...any) []any {
		return props(distribution, append([]any{"DistributionConfig", "CacheBehaviors", at}, steps...)...)
	}
	policy := func(steps ...any) []any {
		return props("ApiRole", append([]any{"Policies", 3, "PolicyDocument", "Statement", 0}, steps...)...)
	}
	urls := privateURLs()
	const only = "only the API must read the signing keys"
	testEdits(t, map[string]edit{
		"manifests open":          {urls[0] + " must be for signed requests only", nil, behavior(4, "TrustedKeyGroups")},
		"variants open":           {urls[1] + " must be for signed requests only", []any{}, behavior(5, "TrustedKeyGroups")},
		"auto URLs open":          {urls[2] + " must be for signed requests only", nil, behavior(6, "TrustedKeyGroups")},
		"signed by anybody":       {urls[0] + " must be for signed requests only", []any{"self"}, behavior(4, "TrustedKeyGroups")},
		"everything signed":       {variantURL + " must need no signature", []any{ref("SigningKeys")}, behavior(2, "TrustedKeyGroups")},
		"never cached":            {urls[1] + " must be cached by the CDN although it is private", 0, props("PrivateVariantCache", "CachePolicyConfig", "MinTTL")},
		"cached by signature":     {urls[1] + ": signatures in the cache's key", "all", props("PrivateVariantCache", "CachePolicyConfig", "ParametersInCacheKeyAndForwardedToOrigin", "QueryStringsConfig", "QueryStringBehavior")},
		"one key only":            {"the key group must have SigningPublicKeyB", []any{ref("SigningPublicKeyA")}, props("SigningKeys", "KeyGroupConfig", "Items")},
		"another key":             {"SigningPublicKeyA must be the public key SigningKeyA", "x", props("SigningPublicKeyA", "PublicKeyConfig", "EncodedKey")},
		"key without a parameter": {"SigningPublicKeyB must be the public key SigningKeyB", nil, way("SigningPublicKeyB", "Condition")},
		"key in the environment":  {"PRESIZE_SIGNING_KEY must be a parameter of SSM", "MIIE", props(apiFunction, "Environment", "Variables", "PRESIZE_SIGNING_KEY")},
		"no key id":               {"PRESIZE_SIGNING_KEY_ID must be that of a public key", "K1", props(apiFunction, "Environment", "Variables", "PRESIZE_SIGNING_KEY_ID")},
		"every parameter":         {only, sub("arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/*"), policy("Resource", 0)},
		"one key only to sign":    {only, []any{sub("arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/presize/dev/signing-key-a")}, policy("Resource")},
		"keys listed":             {only, []any{"ssm:GetParameter", "ssm:DescribeParameters"}, policy("Action")},
		"worker reads it":         {only, []any{"ssm:GetParameter"}, props("WorkerRole", "Policies", 1, "PolicyDocument", "Statement", 0, "Action")},
	})
}

func TestCORS(t *testing.T) {
	cors := func(steps ...any) []any { return props("HttpApi", append([]any{"CorsConfiguration"}, steps...)...) }
	rule := func(steps ...any) []any { return cors(append([]any{"Fn::If", 1}, steps...)...) }
	testEdits(t, map[string]edit{
		"without the parameter": {"HttpApi must allow other origins by parameter only", map[string]any{"AllowOrigins": []any{"*"}}, cors()},
		"every origin":          {"HttpApi must allow the origins of the parameter", []any{"*"}, rule("AllowOrigins")},
		"cookies":               {"HttpApi must take no cookies of other origins", true, rule("AllowCredentials")},
		"no deletion":           {"HttpApi must allow other origins to DELETE", []any{"GET", "POST"}, rule("AllowMethods")},
		"no secret":             {"must allow the header upload-secret of other origins", []any{"authorization", "content-type", "prefer"}, rule("AllowHeaders")},
		"every header":          {"HttpApi must allow other origins nothing unnamed", []any{"*"}, rule("AllowHeaders")},
	})
}

func TestOriginSecret(t *testing.T) {
	origins := func(steps ...any) []any {
		return props(distribution, append([]any{"DistributionConfig", "Origins"}, steps...)...)
	}
	header := func(name string) []any { return origins(2, "OriginCustomHeaders", "Fn::If", 1, 0, name) }
	const inSSM = "the API must get a version of a secret that is in SSM, by parameter"
	testEdits(t, map[string]edit{
		"no secret":              {inSSM, nil, origins(2, "OriginCustomHeaders")},
		"secret in a parameter":  {inSSM, ref("OriginDigestA"), header("HeaderValue")},
		"secret in the template": {inSSM, "secret", header("HeaderValue")},
		"secret of any version":  {inSSM, sub("{{resolve:ssm:/presize/dev/origin-secret-${SigningKey}}}"), header("HeaderValue")},
		"other header":           {inSSM, "X-Secret", header("HeaderName")},
		"secret for S3":          {"origin site must get no secret", []any{}, origins(0, "OriginCustomHeaders")},
		"sent in any case":       {"SendsOriginSecret must hold by OriginDigestB", true, []any{"Conditions", "SendsOriginSecret"}},
		"never demanded":         {"ApiLambdaFunction: PRESIZE_ORIGIN_DIGESTS must be", "", props(apiFunction, "Environment", "Variables", "PRESIZE_ORIGIN_DIGESTS")},
		"demanded too early":     {"ApiLambdaFunction must demand a secret after Distribution sends it", nil, way(apiFunction, "DependsOn")},
	})
}
