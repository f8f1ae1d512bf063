package main

import "testing"

func TestAliases(t *testing.T) {
	const (
		integrated = "the HTTP API must hand requests to ApiLambdaFunction"
		worked     = "there must be one event source mapping of WorkerLambdaFunction"
	)
	version := map[string]any{"Type": "AWS::Lambda::Version", "Properties": map[string]any{"FunctionName": ref(worker)}}
	testEdits(t, map[string]edit{
		"no alias":                       {"WorkerLambdaFunction must have the alias live", nil, way("WorkerAlias")},
		"alias of another function":      {"WorkerLambdaFunction must have the alias live", ref(apiFunction), props("WorkerAlias", "FunctionName")},
		"another name":                   {"ApiLambdaFunction must have the alias live", "prod", props("ApiAlias", "Name")},
		"alias of no function":           {"NotifyLambdaFunction must have the alias live", nil, way("NotifyAlias", "Condition")},
		"old version":                    {"the alias of ApiLambdaFunction: version must be", "1", props("ApiAlias", "FunctionVersion")},
		"integration past the alias":     {integrated, getAtt(apiFunction, "Arn"), props("HttpApiIntegrationApi", "IntegrationUri")},
		"integration is told of":         {"HttpApiIntegrationApi must call ApiLambdaFunction by its alias", getAtt(apiFunction, "Arn"), props("HttpApiIntegrationApi", "IntegrationUri")},
		"permission past the alias":      {"ApiLambdaPermissionHttpApi must call ApiLambdaFunction by its alias", getAtt(apiFunction, "Arn"), props("ApiLambdaPermissionHttpApi", "FunctionName")},
		"permission comes later":         {"HttpApiIntegrationApi must depend on its permission", nil, way("HttpApiIntegrationApi", "DependsOn")},
		"mapping past the alias":         {worked, getAtt(worker, "Arn"), props("WorkMapping", "FunctionName")},
		"mapping by name":                {"WorkMapping must call WorkerLambdaFunction by its alias", ref(worker), props("WorkMapping", "FunctionName")},
		"webhooks past the alias":        {"WebhookMapping must call NotifyLambdaFunction by its alias", getAtt(notifyFunction, "Arn"), props("WebhookMapping", "FunctionName")},
		"version hashed by the packager": {"Version must call WorkerLambdaFunction by its alias", version, way("Version")},
	})
}
