package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// templates returns what osls has compiled, and what is made of that for other ways to deploy.
func templates(t *testing.T) (ofOsls, text []byte) {
	t.Helper()
	ofOsls, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	if text, err = standalone(ofOsls); err != nil {
		t.Fatal(err)
	}
	return ofOsls, text
}

func TestStandaloneTemplateNeedsNoOsls(t *testing.T) {
	compiled, text := templates(t)
	standing := parse(t, text)
	for _, failure := range check(standing) {
		t.Error(failure)
	}
	for id, archive := range map[string]string{apiFunction: "api.zip", worker: "worker.zip"} {
		code := standing.props(id).at("Code")
		if code.at("S3Bucket").text() != "${CodeBucket}" || code.at("S3Key").text() != "${CodePrefix}"+archive {
			t.Errorf("%s: code %v", id, code.value)
		}
	}
	if content := standing.props(layer).at("Content"); content.at("S3Key").text() != "${CodePrefix}libvips-arm64.zip" {
		t.Errorf("layer: %v", content.value)
	}
	// The names of the archives have the time in them.
	again, err := standalone(bytes.ReplaceAll(compiled, []byte("/api.zip"), []byte("/later/api.zip")))
	if err != nil || !bytes.Equal(again, text) {
		t.Errorf("another time gives another template: %v", err)
	}
}

func TestStandaloneRefusesContradictions(t *testing.T) {
	_, text := templates(t)
	var template struct {
		Parameters map[string]any
		Rules      map[string]struct {
			RuleCondition any
			Assertions    []struct {
				Assert            any
				AssertDescription string
			}
		}
	}
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	const keys = "OriginDigestA=1"
	for set, want := range map[string]string{
		"": "The stack needs the parameters", keys: "", "OriginDigestB=1": "",
		"Domain=1 " + keys:                           "Domain needs CertificateArn",
		"CertificateArn=1 " + keys:                   "CertificateArn needs Domain",
		"Domain=1 CertificateArn=1 " + keys:          "",
		"HostedZoneId=1 " + keys:                     "HostedZoneId needs Domain",
		"HstsSubdomains=on " + keys:                  "HstsSubdomains needs Domain",
		"JwtIssuer=1 " + keys:                        "JwtIssuer needs JwtAudience",
		"JwtAudience=1 " + keys:                      "JwtAudience needs JwtIssuer",
		"JwtAudience=1 JwtIssuer=1 " + keys:          "",
		"MonthlyBudget=1 " + keys:                    "MonthlyBudget needs AlarmEmail",
		"MonthlyBudget=1 AlarmEmail=1 " + keys:       "",
		"Domain=1 JwtIssuer=1 JwtAudience=1 " + keys: "Domain needs CertificateArn",
	} {
		values := make(map[string]string)
		for field := range strings.FieldsSeq(set) {
			name, value, _ := strings.Cut(field, "=")
			if template.Parameters[name] == nil {
				t.Errorf("there is no parameter %s", name)
			}
			values[name] = value
		}
		var got []string
		for _, rule := range template.Rules {
			for _, assertion := range rule.Assertions {
				if (rule.RuleCondition == nil || holds(t, rule.RuleCondition, values)) && !holds(t, assertion.Assert, values) {
					got = append(got, assertion.AssertDescription)
				}
			}
		}
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], want)) {
			t.Errorf("%s: refused with %q, want %q", set, got, want)
		}
	}
}

// holds evaluates the condition of a rule.
func holds(t *testing.T, condition any, values map[string]string) bool {
	for function, argument := range condition.(map[string]any) {
		operands := argument.([]any)
		switch function {
		case "Fn::Equals":
			return values[operands[0].(map[string]any)["Ref"].(string)] == operands[1]
		case "Fn::Not":
			return !holds(t, operands[0], values)
		case "Fn::Or":
			return slices.ContainsFunc(operands, func(operand any) bool { return holds(t, operand, values) })
		}
	}
	t.Fatalf("a rule can't have %v", condition)
	return false
}

func TestTemplateIsOfTheArchitectureThatIsPackaged(t *testing.T) {
	for arch, want := range map[string]bool{"arm64": true, "amd64": false} {
		out, err := exec.Command("make", "-C", "../..", "--dry-run", "package", "ARCH="+arch).Output()
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(out), "cp build/package/arm64/cloudformation.json dist/"); got != want {
			t.Errorf("%s: template written: %v", arch, got)
		}
	}
}

func TestStandaloneRefusesWhatItCantTurn(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "no archives",
		`[]`: "cannot unmarshal",
		`{"Parameters":{},"Resources":{"A":{"Properties":{"Code":{"S3Key":"a.zip"},"X":{"Ref":"ServerlessDeploymentBucket"}}}}}`: "still needs",
	} {
		if got, err := standalone(json.RawMessage(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}
