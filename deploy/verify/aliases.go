package main

import "slices"

// aliases are what everything calls the functions by.
var aliases = map[string]string{apiFunction: "ApiAlias", worker: "WorkerAlias", notifyFunction: "NotifyAlias"}

// aliasOf is the ARN of a function's alias.
func aliasOf(function string) string { return "${" + aliases[function] + "}" }

// callers are the types of resources that may refer to a function itself. Its metrics are those of all its versions.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html
var callers = []string{"AWS::Lambda::Alias", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"}

// checkAliases checks that nothing calls a function past its alias, so that `presize publish` and `presize rollback`
// decide which version runs. An alias follows the deployments until then.
func checkAliases(t template, r *report) {
	for _, function := range t.ofType("AWS::Lambda::Function") {
		alias := t.Resources[aliases[function]]
		r.want(alias.Type == "AWS::Lambda::Alias" && alias.Condition == t.Resources[function].Condition &&
			alias.Properties.at("FunctionName").text() == "${"+function+"}" && alias.Properties.at("Name").text() == "live",
			"%s must have the alias live", function)
		r.wantText(alias.Properties.at("FunctionVersion"), "$LATEST", "the alias of %s: version", function)
	}
	for id, resource := range t.Resources {
		for _, name := range references(resource.Properties.value) {
			if t.Resources[name].Type == "AWS::Lambda::Function" {
				r.want(slices.Contains(callers, resource.Type), "%s must call %s by its alias", id, name)
			}
		}
	}
	// The permission for the alias must be there when API Gateway begins to use it.
	for _, id := range t.ofType("AWS::ApiGatewayV2::Integration") {
		r.want(slices.ContainsFunc(t.Resources[id].DependsOn.texts(), func(permission string) bool {
			return mayInvoke(t, permission, "apigateway.amazonaws.com", apiFunction)
		}), "%s must depend on its permission to invoke the alias", id)
	}
}
