package main

import (
	"slices"
	"strings"
)

// bucketARN is the ARN of the bucket called id, made of its name as the roles and permissions make it.
func bucketARN(t template, id string) string {
	return "arn:${AWS::Partition}:s3:::" + t.props(id).at("BucketName").text()
}

// checkBuckets checks that every bucket is private, and that ours outlive the stack.
func checkBuckets(t template, r *report) {
	for _, id := range t.ofType("AWS::S3::Bucket") {
		props := t.props(id)
		for _, key := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			r.wantText(props.at("PublicAccessBlockConfiguration", key), "true", "%s: %s", id, key)
		}
		encrypted := slices.ContainsFunc(props.at("BucketEncryption", "ServerSideEncryptionConfiguration").items(), func(n node) bool {
			return n.at("ServerSideEncryptionByDefault", "SSEAlgorithm").text() != ""
		})
		r.want(encrypted, "%s must be encrypted", id)
		checkBucketPolicy(t, r, id)
	}
	for _, id := range []string{inputBucket, outputBucket, siteBucket} {
		bucket := t.Resources[id]
		r.want(bucket.Type == "AWS::S3::Bucket", "%s must be a bucket", id)
		r.want(strings.HasPrefix(bucket.DeletionPolicy, "Retain"), "%s must outlive the stack", id)
		r.want(bucket.UpdateReplacePolicy == "Retain", "%s must outlive its replacement", id)
		ownership := bucket.Properties.at("OwnershipControls", "Rules").items()
		r.want(len(ownership) == 1 && ownership[0].at("ObjectOwnership").text() == "BucketOwnerEnforced",
			"%s must own its objects", id)
	}
	for _, id := range []string{inputBucket, outputBucket} {
		aborts := slices.ContainsFunc(t.props(id).at("LifecycleConfiguration", "Rules").items(), func(n node) bool {
			return n.at("Status").text() == "Enabled" && n.at("AbortIncompleteMultipartUpload", "DaysAfterInitiation").text() == "1"
		})
		r.want(aborts, "%s must drop incomplete multipart uploads after a day", id)
	}
}

// checkBucketPolicy checks that the bucket's policy refuses plain HTTP and lets nobody in but our distribution.
func checkBucketPolicy(t template, r *report, bucket string) {
	var statements []node
	for _, id := range t.ofType("AWS::S3::BucketPolicy") {
		if t.props(id).at("Bucket").text() == "${"+bucket+"}" {
			statements = append(statements, t.props(id).at("PolicyDocument", "Statement").items()...)
		}
	}
	tlsOnly := slices.ContainsFunc(statements, func(s node) bool {
		return s.at("Effect").text() == "Deny" && s.at("Principal").text() == "*" && s.at("Action").text() == "s3:*" &&
			s.at("Condition", "Bool", "aws:SecureTransport").text() == "false" && len(s.at("Resource").items()) == 2
	})
	r.want(tlsOnly, "%s must refuse plain HTTP", bucket)
	for _, s := range statements {
		if s.at("Effect").text() != "Allow" {
			continue
		}
		source := s.at("Condition", "StringEquals", "aws:SourceArn").text()
		r.want(s.at("Principal", "Service").text() == "cloudfront.amazonaws.com" && source == distributionARN,
			"%s: statement %s must allow the distribution only", bucket, s.at("Sid").text())
		for _, action := range s.at("Action").texts() {
			r.want(action == "s3:GetObject" || action == "s3:ListBucket", "%s: the CDN must not be allowed %s", bucket, action)
		}
	}
}

// checkUploads checks that a browser may put an original into the input bucket, and may do nothing else.
func checkUploads(t template, r *report) {
	for _, id := range []string{outputBucket, siteBucket} {
		r.want(t.props(id).at("CorsConfiguration").value == nil, "%s must have no CORS", id)
	}
	rules := t.props(inputBucket).at("CorsConfiguration", "CorsRules").items()
	var origins []string
	for _, rule := range rules {
		for _, origin := range rule.at("AllowedOrigins").texts() {
			r.want(!strings.Contains(origin, "*"), "%s must not take uploads from %s", inputBucket, origin)
			origins = append(origins, origin)
		}
		r.want(slices.Equal(rule.at("AllowedMethods").texts(), []string{"PUT"}), "%s: CORS must allow PUT only", inputBucket)
		r.want(slices.Contains(rule.at("ExposedHeaders").texts(), "ETag"), "%s: CORS must expose ETag", inputBucket)
		for _, header := range []string{"content-type", "if-none-match", "x-amz-checksum-sha256", "x-amz-meta-*"} {
			r.want(slices.Contains(rule.at("AllowedHeaders").texts(), header), "%s: CORS must allow the header %s", inputBucket, header)
		}
	}
	for _, origin := range []string{"https://${Domain}", "https://${Distribution.DomainName}", "${AllowedOrigins}"} {
		r.want(slices.Contains(origins, origin), "%s must take uploads from %s", inputBucket, origin)
	}
}
