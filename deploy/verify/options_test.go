package main

import "testing"

func TestOptions(t *testing.T) {
	config := func(steps ...any) []any { return props(distribution, append([]any{"DistributionConfig"}, steps...)...) }
	budget := func(steps ...any) []any { return props("Budget", steps...) }
	testEdits(t, map[string]edit{
		"no firewall":             {"the distribution must have the web ACL by parameter", nil, config("WebACLId")},
		"some firewall":           {"the distribution must have the web ACL by parameter", "arn", config("WebACLId")},
		"records without asking":  {"DomainRecord must be in the zone, by parameter only", nil, way("DomainRecord", "Condition")},
		"records elsewhere":       {"DomainRecordIPv6 must be in the zone", "Z1", props("DomainRecordIPv6", "HostedZoneId")},
		"records of others":       {"DomainRecord must lead from the domain to the distribution", "x.example", props("DomainRecord", "AliasTarget", "DNSName")},
		"no IPv6":                 {"the domain must have records for IPv4 and IPv6", nil, way("DomainRecordIPv6")},
		"budget without asking":   {"Budget must be there by parameter only", nil, way("Budget", "Condition")},
		"budget of usage":         {"Budget must be of the costs of a month", "USAGE", budget("Budget", "BudgetType")},
		"budget with a name":      {"Budget must have no name", "presize", budget("Budget", "BudgetName")},
		"budget told to others":   {"Budget must tell the address of the alarms", "x@example.com", budget("NotificationsWithSubscribers", 0, "Subscribers", 0, "Address")},
		"budget told once":        {"Budget must tell of costs, and of what is expected", 80, budget("NotificationsWithSubscribers", 1, "Notification", "Threshold")},
		"budget told too late":    {"Budget must tell of costs, and of what is expected", 200, budget("NotificationsWithSubscribers", 0, "Notification", "Threshold")},
		"HTTPS of subdomains":     {"/ must demand HTTPS of subdomains by parameter only", true, props("PageHeaders", "ResponseHeadersPolicyConfig", "SecurityHeadersConfig", "StrictTransportSecurity", "IncludeSubdomains")},
		"images unreadable":       {variantURL + " must be readable by pages of the allowed origins", nil, props("ImageHeaders", "ResponseHeadersPolicyConfig", "CorsConfig")},
		"read by everybody":       {autoURL + " must be readable by pages of the allowed origins", []any{"*"}, props("NegotiatedHeaders", "ResponseHeadersPolicyConfig", "CorsConfig", "Fn::If", 1, "AccessControlAllowOrigins", "Items")},
		"read with cookies":       {manifestURL + " must be for reading without credentials", true, props("ImageHeaders", "ResponseHeadersPolicyConfig", "CorsConfig", "Fn::If", 1, "AccessControlAllowCredentials")},
		"two say who may read":    {"the API answers for itself who may read", map[string]any{}, props("DataHeaders", "ResponseHeadersPolicyConfig", "CorsConfig")},
		"log policy grows":        {"HttpApiStage must log below /aws/vendedlogs/", "/aws/http-api/presize", props("HttpApiLogGroup", "LogGroupName")},
		"told to another owner":   {"WorkerRole: Told must be for buckets of this account", nil, props("WorkerRole", "Policies", 0, "PolicyDocument", "Statement", 4, "Fn::If", 1, "Condition")},
		"bucket of another owner": {"WorkerRole: Published must be for buckets of this account", nil, props("WorkerRole", "Policies", 0, "PolicyDocument", "Statement", 1, "Condition")},
	})
}
