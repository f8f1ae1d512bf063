package main

import (
	"encoding/json"
	"slices"
	"strings"
)

// publicRoutes are those that no token is asked for, because they say nothing of any upload.
var publicRoutes = []string{"GET /api/v1/healthz", "GET /api/v1/openapi.yaml", "GET /api/v1/presets", "OPTIONS /api/{proxy+}"}

// checkAccess checks who the API lets in, how much of them, and what it writes down of that.
func checkAccess(t template, r *report) {
	stages := t.ofType("AWS::ApiGatewayV2::Stage")
	r.want(len(stages) == 1, "the HTTP API must have one stage")
	for _, id := range stages {
		settings := t.props(id).at("DefaultRouteSettings")
		r.want(number(settings.at("ThrottlingRateLimit")) > 0 && number(settings.at("ThrottlingBurstLimit")) > 0, "%s must bound rate and burst", id)
		checkDeleteRate(t, r, id)
		checkAccessLog(t, r, id)
	}
	var public []string
	for _, id := range t.ofType("AWS::ApiGatewayV2::Route") {
		props := t.props(id)
		kind, _ := props.at("AuthorizationType", "Fn::If").value.([]any)
		if slices.Equal(kind, []any{"HasJwt", "JWT", "NONE"}) && props.at("AuthorizerId").only("HasJwt").text() == "${JwtAuthorizer}" {
			continue
		}
		public = append(public, props.at("RouteKey").text())
	}
	slices.Sort(public)
	r.want(slices.Equal(public, publicRoutes), "with an issuer, the HTTP API must ask for a token on all routes but %q, are %q", publicRoutes, public)

	authorizer := t.props("JwtAuthorizer")
	r.want(t.Resources["JwtAuthorizer"].Condition == "HasJwt" && authorizer.at("AuthorizerType").text() == "JWT" &&
		slices.Equal(authorizer.at("IdentitySource").texts(), []string{"$request.header.Authorization"}) &&
		authorizer.at("JwtConfiguration", "Issuer").text() == "${JwtIssuer}", "JwtAuthorizer must check tokens of the issuer")
	audience := references(authorizer.at("JwtConfiguration", "Audience").value)
	r.want(slices.Contains(audience, "JwtAudience"), "JwtAuthorizer must check that tokens are for the audience")
	// An audience without an issuer must fail, and not leave the API open.
	condition := references(t.Conditions["HasJwt"].value)
	r.want(slices.Contains(condition, "JwtIssuer") && slices.Contains(condition, "JwtAudience"), "HasJwt must hold by issuer or audience")
}

// deleteRoute is the route of every request that deletes an upload. API Gateway prefers it to the route of the same path
// for any method.
const deleteRoute = "DELETE /api/{proxy+}"

// checkDeleteRate checks that a stage bounds deletions more closely than other requests. Its settings need the route first.
func checkDeleteRate(t template, r *report, stage string) {
	limits, others := t.props(stage).at("RouteSettings", deleteRoute), t.props(stage).at("DefaultRouteSettings")
	for _, limit := range []string{"ThrottlingRateLimit", "ThrottlingBurstLimit"} {
		bound := number(limits.at(limit))
		r.want(bound > 0 && bound < number(others.at(limit)), "%s must bound deletions: %s", stage, limit)
	}
	r.want(slices.ContainsFunc(t.Resources[stage].DependsOn.texts(), func(id string) bool {
		return t.props(id).at("RouteKey").text() == deleteRoute
	}), "%s must be made after the route %s", stage, deleteRoute)
}

// checkAccessLog checks that a stage logs requests as JSON, for a while, and nothing that lets somebody in.
func checkAccessLog(t template, r *report, stage string) {
	settings := t.props(stage).at("AccessLogSettings")
	r.want(t.Resources[settings.at("DestinationArn").refers()].Type == "AWS::Logs::LogGroup", "%s must log requests", stage)
	format := settings.at("Format").text()
	var fields map[string]string
	r.want(json.Unmarshal([]byte(format), &fields) == nil && fields["requestId"] != "" && fields["status"] != "" && fields["err"] != "",
		"%s must log requests as JSON", stage)
	// An id in a path is all that it takes to see an upload.
	for _, secret := range []string{"$context.path", "$context.identity", "$context.authorizer.claims"} {
		r.want(!strings.Contains(format, secret), "%s must not log %s", stage, secret)
	}
}
