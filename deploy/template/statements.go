package template

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Statement is one Allow statement of an IAM policy.
type Statement struct {
	Sid       string   `yaml:"Sid"`
	Effect    string   `yaml:"Effect"`
	Action    oneOrAll `yaml:"Action"`
	Resource  oneOrAll `yaml:"Resource"`
	Principal any      `yaml:"Principal"` // of a bucket's policy only
}

// oneOrAll is a list. YAML may give a single value in place of the list.
type oneOrAll []string

func (l *oneOrAll) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*l = oneOrAll{node.Value}
		return nil
	}
	return node.Decode((*[]string)(l))
}

type policyDocument struct {
	Statement []Statement `yaml:"Statement"`
}

// RoleStatements returns the permissions of a role of roles.yml on the buckets.
func (d Deployment) RoleStatements(role string) ([]Statement, error) {
	var properties struct {
		Policies []struct {
			PolicyName     string         `yaml:"PolicyName"`
			PolicyDocument policyDocument `yaml:"PolicyDocument"`
		} `yaml:"Policies"`
	}
	if err := d.resource("roles.yml", role, &properties); err != nil {
		return nil, err
	}
	for _, policy := range properties.Policies {
		if policy.PolicyName == "objects" {
			return policy.PolicyDocument.Statement, checkStatements(policy.PolicyDocument.Statement)
		}
	}
	return nil, fmt.Errorf("roles.yml: role %s has no policy objects", role)
}

// CloudFrontStatements returns the permissions of CloudFront on the output bucket.
func (d Deployment) CloudFrontStatements() ([]Statement, error) {
	var properties struct {
		PolicyDocument policyDocument `yaml:"PolicyDocument"`
	}
	if err := d.resource("buckets.yml", "OutputBucketPolicy", &properties); err != nil {
		return nil, err
	}
	var statements []Statement
	for _, statement := range properties.PolicyDocument.Statement {
		principal, _ := statement.Principal.(map[string]any)
		if principal["Service"] == "cloudfront.amazonaws.com" {
			statements = append(statements, statement)
		}
	}
	if len(statements) == 0 {
		return nil, fmt.Errorf("buckets.yml: CloudFront may not read the output bucket")
	}
	return statements, checkStatements(statements)
}

func checkStatements(statements []Statement) error {
	for _, statement := range statements {
		if statement.Effect != "Allow" || len(statement.Action) == 0 || len(statement.Resource) == 0 {
			return fmt.Errorf("statement %s: want effect Allow, actions and resources", statement.Sid)
		}
		if err := complete(statement.Resource...); err != nil {
			return fmt.Errorf("statement %s: %w", statement.Sid, err)
		}
	}
	return nil
}
