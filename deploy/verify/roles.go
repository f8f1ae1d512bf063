package main

import (
	"slices"
	"strings"

	"github.com/presize/presize/internal/media"
)

// permission is one action that a role allows on one resource.
type permission struct{ action, resource string }

func checkRoles(t template, r *report) {
	functions := len(t.ofType("AWS::Lambda::Function"))
	r.want(len(t.ofType("AWS::IAM::Role")) == functions, "there must be one role per function and no other")
	roles := map[string]string{}
	for _, function := range []string{apiFunction, worker, notifyFunction} {
		role := t.props(function).at("Role").refers()
		r.want(t.Resources[role].Type == "AWS::IAM::Role", "%s must have a role of this stack", function)
		r.want(roles[role] == "", "%s must not share its role with %s", function, roles[role])
		roles[role] = function
		checkRole(t, r, role, function)
	}
}

// checkRole checks that a role is its function's, and as narrow as can be told without the code.
func checkRole(t template, r *report, role, function string) {
	assume := t.props(role).at("AssumeRolePolicyDocument", "Statement").items()
	r.want(len(assume) == 1 && assume[0].at("Principal", "Service").text() == "lambda.amazonaws.com",
		"%s must be assumed by Lambda only", role)
	r.want(t.props(role).at("ManagedPolicyArns").value == nil, "%s must have no managed policy", role)

	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
	boundary := t.props(role).at("PermissionsBoundary").only("HasPermissionsBoundary")
	r.wantText(boundary, "${PermissionsBoundary}", "%s: the boundary by parameter", role)

	granted := permissions(t, r, role)
	for _, p := range granted {
		r.want(strings.Contains(p.action, ":") && !strings.Contains(p.action, "*"), "%s: %s is not an exact action", role, p.action)
		r.want(narrow(t, p), "%s: %s on %s is wider than needed", role, p.action, p.resource)
	}
	traces := slices.ContainsFunc(t.props(role).at("Policies").list(), func(policy node) bool {
		return policy.only("HasTracing").at("PolicyDocument", "Statement").items() != nil
	})
	r.want(traces, "%s must allow tracing where there is tracing, and else must not", role)
	own := "${" + logGroupOf(t, function) + ".Arn}"
	for _, p := range []permission{{"logs:CreateLogStream", own}, {"logs:PutLogEvents", own}} {
		r.want(slices.Contains(granted, p), "%s must allow %s on its own log group", role, p.action)
	}
	if function == notifyFunction {
		return // it has no business with the buckets
	}
	for _, id := range []string{inputBucket, outputBucket} {
		arn := bucketARN(t, id)
		reads := slices.ContainsFunc(granted, func(p permission) bool {
			return p.action == "s3:GetObject" && strings.HasPrefix(p.resource, arn+"/")
		})
		r.want(reads, "%s must allow reading from %s", role, id)
		r.want(slices.Contains(granted, permission{"s3:ListBucket", arn}), "%s must allow s3:ListBucket on %s, or a missing key is a 403", role, id)
	}
	// What one function writes the other only reads, so the worker can never trigger itself.
	written, foreign := outputBucket, inputBucket
	if function == apiFunction {
		written, foreign = inputBucket, outputBucket
	}
	r.want(slices.ContainsFunc(granted, writesTo(t, written)), "%s must allow writing to %s", role, written)
	r.want(!slices.ContainsFunc(granted, writesTo(t, foreign)), "%s must not allow writing to %s", role, foreign)
	if function == worker {
		originals := bucketARN(t, inputBucket) + "/" + media.OriginalPrefix + "*"
		for _, action := range []string{"s3:GetObjectTagging", "s3:PutObjectTagging"} {
			r.want(slices.Contains(granted, permission{action, originals}), "%s must allow %s, or rejected originals stay", role, action)
		}
		// The first three are for the event source mapping.
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
		for _, action := range []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility", "sqs:SendMessage"} {
			r.want(slices.Contains(granted, permission{action, "${" + workQueue + ".Arn}"}), "%s must allow %s on %s", role, action, workQueue)
		}
		r.want(slices.Contains(granted, permission{"cloudfront:CreateInvalidation", distributionARN}),
			"%s must allow cloudfront:CreateInvalidation on the distribution", role)
	}
}

// permissions are all that the role's own policies allow, one action and resource at a time.
func permissions(t template, r *report, role string) []permission {
	// The ARN of a bucket names no account.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-resourceaccount
	for _, policy := range t.props(role).at("Policies").items() {
		for _, s := range policy.at("PolicyDocument", "Statement").items() {
			onBuckets := slices.ContainsFunc(s.at("Action").texts(), func(action string) bool { return strings.HasPrefix(action, "s3:") })
			r.want(!onBuckets || s.at("Condition", "StringEquals", "aws:ResourceAccount").text() == "${AWS::AccountId}",
				"%s: %s must be for buckets of this account", role, s.at("Sid").text())
		}
	}
	var granted []permission
	for _, policy := range t.props(role).at("Policies").items() {
		for _, s := range policy.at("PolicyDocument", "Statement").items() {
			r.want(s.at("Effect").text() == "Allow" && s.at("NotAction").value == nil && s.at("NotResource").value == nil,
				"%s: %s must name what it allows", role, policy.at("PolicyName").text())
			for _, action := range s.at("Action").texts() {
				for _, resource := range s.at("Resource").texts() {
					granted = append(granted, permission{action, resource})
				}
			}
		}
	}
	return granted
}

// narrow reports whether p is about one resource, or about those keys of a bucket that the service uses.
func narrow(t template, p permission) bool {
	for id, prefixes := range map[string][]string{
		inputBucket: {media.OriginalPrefix}, outputBucket: {string(media.Public), string(media.Private), media.ToldKey(""), triesPrefix},
	} {
		if key, ok := strings.CutPrefix(p.resource, bucketARN(t, id)); ok {
			return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, "/"+prefix) }) ||
				key == "" && p.action == "s3:ListBucket"
		}
	}
	if strings.HasPrefix(p.action, "xray:Put") {
		return p.resource == "*" // which is all that X-Ray knows
	}
	return p.resource != "" && !strings.Contains(p.resource, "*")
}

// triesPrefix is what the keys of all records of tries start with.
var triesPrefix = strings.TrimSuffix(media.TryPrefix(""), "/")

// writesTo tells the permissions to put or delete objects of the bucket called id. To tag one is neither, and what was
// told is not published, nor are the records of tries.
func writesTo(t template, id string) func(permission) bool {
	objects := bucketARN(t, id) + "/"
	return func(p permission) bool {
		writes := strings.HasPrefix(p.action, "s3:Put") || strings.HasPrefix(p.action, "s3:Delete")
		published := p.resource != objects+media.ToldKey("*") && p.resource != objects+triesPrefix+"*"
		return strings.HasPrefix(p.resource, objects) && published && writes && !strings.HasSuffix(p.action, "Tagging")
	}
}
