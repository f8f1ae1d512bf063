package main

import (
	"slices"
	"strconv"
	"time"

	"github.com/presize/presize/api"
	"github.com/presize/presize/internal/media"
)

// architecture is the one that `make deploy` packages.
const architecture = "arm64"

func checkFunctions(t template, r *report) {
	for _, id := range t.ofType("AWS::Lambda::Function") {
		props := t.props(id)
		r.want(slices.Equal(props.at("Architectures").texts(), []string{architecture}), "%s must run on %s", id, architecture)
		r.wantText(props.at("LoggingConfig", "LogFormat"), "JSON", "%s: log format", id)
		for variable, bucket := range map[string]string{"PRESIZE_INPUT_BUCKET": inputBucket, "PRESIZE_OUTPUT_BUCKET": outputBucket} {
			r.wantText(variableOf(t, id, variable), t.props(bucket).at("BucketName").text(), "%s: %s", id, variable)
		}
		for _, layer := range props.at("Layers").items() {
			checkLayer(t, r, id, layer.refers())
		}
		tracing, _ := props.at("TracingConfig", "Mode", "Fn::If").value.([]any)
		r.want(slices.Equal(tracing, []any{"HasTracing", "Active", "PassThrough"}), "%s must be traced by parameter", id)
		r.want(logGroupOf(t, id) != "", "%s must have a log group whose logs end", id)
	}
	for _, id := range t.ofType("AWS::Logs::LogGroup") {
		r.want(number(t.props(id).at("RetentionInDays")) > 0, "%s must forget some day", id)
	}
	r.want(t.props(apiFunction).at("Layers").value == nil, "%s must need no layer", apiFunction)
	r.want(slices.Equal(t.props(worker).at("Layers").texts(), []string{"${" + layer + "}"}), "%s must have the libvips layer", worker)
	r.wantText(variableOf(t, worker, "PRESIZE_DISTRIBUTION_ID"), "${Distribution}", "%s: PRESIZE_DISTRIBUTION_ID", worker)
	memory := media.DefaultLimits().Memory >> 20
	r.want(number(t.props(worker).at("MemorySize")) == float64(memory), "%s must have the %d MB that are the limit by default", worker, memory)
}

// checkLayer checks that a function can use a layer.
func checkLayer(t template, r *report, function, layer string) {
	for property, list := range map[string]string{"Architectures": "CompatibleArchitectures", "Runtime": "CompatibleRuntimes"} {
		for _, value := range t.props(function).at(property).texts() {
			r.want(slices.Contains(t.props(layer).at(list).texts(), value), "%s must be for %s, as %s", layer, value, function)
		}
	}
}

func variableOf(t template, function, name string) node {
	return t.props(function).at("Environment", "Variables", name)
}

// logGroupOf is the id of the log group that Lambda writes the function's logs to, if it forgets them some day.
func logGroupOf(t template, function string) string {
	name := "/aws/lambda/" + t.props(function).at("FunctionName").text()
	for _, id := range t.ofType("AWS::Logs::LogGroup") {
		if t.props(id).at("LogGroupName").text() == name && number(t.props(id).at("RetentionInDays")) > 0 {
			return id
		}
	}
	return ""
}

// number is the value of a number, and 0 for anything else.
func number(n node) float64 {
	f, err := strconv.ParseFloat(n.text(), 64)
	if err != nil {
		return 0
	}
	return f
}

// gatewayTimeout is when API Gateway gives up.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
const gatewayTimeout = 30 * time.Second

// checkHTTPAPI checks that every request below /api/ reaches the API's function, and that the function has time to answer.
func checkHTTPAPI(t template, r *report) {
	routed := slices.ContainsFunc(t.ofType("AWS::ApiGatewayV2::Route"), func(id string) bool {
		return t.props(id).at("RouteKey").text() == "ANY /api/{proxy+}"
	})
	r.want(routed, "the HTTP API must route ANY /api/{proxy+}")
	integrated := slices.ContainsFunc(t.ofType("AWS::ApiGatewayV2::Integration"), func(id string) bool {
		return t.props(id).at("IntegrationUri").text() == aliasOf(apiFunction) && t.props(id).at("PayloadFormatVersion").text() == "2.0"
	})
	r.want(integrated, "the HTTP API must hand requests to %s as payload 2.0", apiFunction)
	r.want(slices.ContainsFunc(t.ofType("AWS::Lambda::Permission"), func(id string) bool {
		return mayInvoke(t, id, "apigateway.amazonaws.com", apiFunction)
	}), "the HTTP API must be permitted to invoke %s", apiFunction)
	timeout := time.Duration(number(t.props(apiFunction).at("Timeout"))) * time.Second
	r.want(timeout > api.RequestTimeout && timeout < gatewayTimeout, "%s must time out after the API itself and before API Gateway", apiFunction)
}

func mayInvoke(t template, permission, principal, function string) bool {
	props := t.props(permission)
	return props.at("Principal").text() == principal && props.at("Action").text() == "lambda:InvokeFunction" &&
		props.at("FunctionName").text() == aliasOf(function)
}
