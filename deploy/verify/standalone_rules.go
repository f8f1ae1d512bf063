package main

// standaloneRules returns the section Rules of the standalone template: what `presize check` refuses, for people who
// deploy without it. CloudFormation checks the rules before it makes anything.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
func standaloneRules() map[string]any {
	keys := map[string]any{"Fn::Or": []any{isSet("OriginDigestA"), isSet("OriginDigestB")}}
	return map[string]any{
		"DomainNeedsCertificate":  needs("Domain", "CertificateArn", "CloudFront serves a domain only with its certificate"),
		"CertificateNeedsDomain":  needs("CertificateArn", "Domain", "it is the certificate of the domain"),
		"HostedZoneNeedsDomain":   needs("HostedZoneId", "Domain", "the records are those of the domain"),
		"SubdomainsNeedDomain":    needs("HstsSubdomains", "Domain", "the one that CloudFront gives has no subdomains"),
		"IssuerNeedsAudience":     needs("JwtIssuer", "JwtAudience", "a token is checked for both"),
		"AudienceNeedsIssuer":     needs("JwtAudience", "JwtIssuer", "a token is checked for both"),
		"BudgetNeedsAlarmAddress": needs("MonthlyBudget", "AlarmEmail", "somebody must be told"),
		"KeysAreMade":             rule(keys, "The stack needs the parameters that `presize keys --json` prints"),
	}
}

// needs is the rule that a parameter may be set only together with another one.
func needs(parameter, other, why string) map[string]any {
	rule := rule(isSet(other), parameter+" needs "+other+": "+why)
	rule["RuleCondition"] = isSet(parameter)
	return rule
}

func rule(assert map[string]any, description string) map[string]any {
	return map[string]any{"Assertions": []any{map[string]any{"Assert": assert, "AssertDescription": description}}}
}

func isSet(parameter string) map[string]any {
	empty := map[string]any{"Fn::Equals": []any{map[string]any{"Ref": parameter}, ""}}
	return map[string]any{"Fn::Not": []any{empty}}
}
