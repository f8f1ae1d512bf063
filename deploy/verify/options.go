package main

import (
	"fmt"
	"slices"
	"strings"
)

// cloudFrontZone is the zone of every distribution, for alias records.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-route53-recordset-aliastarget.html
const cloudFrontZone = "Z2FDTNDATAQYW2"

// checkOptions checks the resources and settings that only a parameter turns on.
func checkOptions(t template, r *report) {
	config := t.props(distribution).at("DistributionConfig")
	// https://docs.aws.amazon.com/waf/latest/developerguide/how-aws-waf-works-resources.html
	r.want(config.at("WebACLId").only("HasWebAcl").text() == "${WebAclArn}", "the distribution must have the web ACL by parameter")
	checkRecords(t, r)
	checkBudget(t, r)
	for _, path := range []string{"/", statusURL, manifestURL, variantURL, autoURL} {
		subdomains, _ := headersFor(t, path).at("SecurityHeadersConfig", "StrictTransportSecurity", "IncludeSubdomains", "Fn::If").value.([]any)
		// Subdomains may be somebody else's. https://www.rfc-editor.org/rfc/rfc6797#section-6.1.2
		r.want(slices.Equal(subdomains, []any{"HasHstsSubdomains", true, false}), "%s must demand HTTPS of subdomains by parameter only", path)
	}
	// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
	for _, id := range t.ofType("AWS::ApiGatewayV2::Stage") {
		group := t.props(id).at("AccessLogSettings", "DestinationArn").refers()
		r.want(strings.HasPrefix(t.props(group).at("LogGroupName").text(), "/aws/vendedlogs/"), "%s must log below /aws/vendedlogs/", id)
	}
}

// checkRecords checks that the domain leads to the distribution, by IPv4 and IPv6.
func checkRecords(t template, r *report) {
	var types []string
	for _, id := range t.ofType("AWS::Route53::RecordSet") {
		record := t.props(id)
		r.want(t.Resources[id].Condition == "HasHostedZone" && record.at("HostedZoneId").text() == "${HostedZoneId}", "%s must be in the zone, by parameter only", id)
		r.want(record.at("Name").text() == "${Domain}" && record.at("AliasTarget", "DNSName").text() == "${Distribution.DomainName}" &&
			record.at("AliasTarget", "HostedZoneId").text() == cloudFrontZone, "%s must lead from the domain to the distribution", id)
		types = append(types, record.at("Type").text())
	}
	slices.Sort(types)
	r.want(slices.Equal(types, []string{"A", "AAAA"}), "the domain must have records for IPv4 and IPv6, has %q", types)
}

// checkBudget checks that the budget of a month sends an e-mail before it is used up, and also when it is: AWS makes no
// forecast for a new account.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-budgets-budget.html
func checkBudget(t template, r *report) {
	const id = "Budget"
	r.want(t.Resources[id].Type == "AWS::Budgets::Budget" && t.Resources[id].Condition == "HasBudget", "%s must be there by parameter only", id)
	budget := t.props(id).at("Budget")
	r.want(budget.at("BudgetType").text() == "COST" && budget.at("TimeUnit").text() == "MONTHLY" &&
		budget.at("BudgetLimit", "Amount").text() == "${MonthlyBudget}" && budget.at("BudgetLimit", "Unit").text() == "USD",
		"%s must be of the costs of a month", id)
	// CloudFormation replaces the budget for each change of its notifications.
	r.want(budget.at("BudgetName").value == nil, "%s must have no name, or its notifications can't be changed", id)
	var told []string
	for _, n := range t.props(id).at("NotificationsWithSubscribers").items() {
		subscribers := n.at("Subscribers").items()
		r.want(len(subscribers) == 1 && subscribers[0].at("SubscriptionType").text() == "EMAIL" && subscribers[0].at("Address").text() == "${AlarmEmail}",
			"%s must tell the address of the alarms", id)
		if threshold := number(n.at("Notification", "Threshold")); threshold > 0 && threshold <= 100 {
			told = append(told, fmt.Sprintf("%s %v", n.at("Notification", "NotificationType").text(), threshold))
		}
	}
	slices.Sort(told)
	r.want(slices.Equal(told, []string{"ACTUAL 100", "ACTUAL 80", "FORECASTED 100"}), "%s must tell of costs, and of what is expected, before it is used up, and when it is", id)
}
