package main

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/presize/presize/internal/media"
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
		checkOutlives(t, r, id)
		ownership := bucket.Properties.at("OwnershipControls", "Rules").items()
		r.want(len(ownership) == 1 && ownership[0].at("ObjectOwnership").text() == "BucketOwnerEnforced",
			"%s must own its objects", id)
		aborts := slices.ContainsFunc(t.props(id).at("LifecycleConfiguration", "Rules").items(), func(n node) bool {
			return n.at("Status").text() == "Enabled" && n.at("AbortIncompleteMultipartUpload", "DaysAfterInitiation").text() == "1"
		})
		r.want(aborts, "%s must drop incomplete multipart uploads after a day", id)
	}
}

// checkOutlives checks that a resource and its data are there when the stack is not.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html
func checkOutlives(t template, r *report, id string) {
	r.want(strings.HasPrefix(t.Resources[id].DeletionPolicy, "Retain"), "%s must outlive the stack", id)
	r.want(t.Resources[id].UpdateReplacePolicy == "Retain", "%s must outlive its replacement", id)
}

// checkOriginals checks that an original is put once and in one piece, and which of them are deleted when.
func checkOriginals(t template, r *report) {
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
	r.want(slices.ContainsFunc(statementsOf(t, inputBucket), func(s node) bool {
		return s.at("Effect").text() == "Deny" && s.at("Principal").text() == "*" && s.at("Action").text() == "s3:PutObject" &&
			s.at("Resource").text() == "${InputBucket.Arn}/"+media.OriginalPrefix+"*" &&
			s.at("Condition", "Null", "s3:if-none-match").text() == "true" && len(s.at("Condition").keys()) == 1
	}), "%s must refuse every PUT of an original without If-None-Match", inputBucket)

	// https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html
	r.want(slices.ContainsFunc(statementsOf(t, inputBucket), func(s node) bool {
		return s.at("Effect").text() == "Deny" && s.at("Principal").text() == "*" && s.at("Action").text() == "s3:PutObject" &&
			s.at("Resource").text() == "${InputBucket.Arn}/"+media.OriginalPrefix+"*" &&
			number(s.at("Condition", "NumericGreaterThan", "s3:signatureAge")) == float64(longestGrant.Milliseconds())
	}), "%s must refuse every PUT of an original with a signature older than %v", inputBucket, longestGrant)

	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-configuration-bucket-with-versioning.html
	//
	// An event that is redriven after its original has expired counts as a removal, and would take along what was
	// made of it.
	redrive := int((retention(t, workQueue) + retention(t, failureQueue)).Hours() / 24)
	var rejected, cold, expired, erased bool
	for _, rule := range t.props(inputBucket).at("LifecycleConfiguration", "Rules").list() {
		onlyCold, onlyExpired := rule.only("HasColdOriginals"), rule.only("HasExpiringOriginals")
		switch {
		case isForOriginals(onlyCold) && onlyCold.at("ExpirationInDays").value == nil:
			transitions := onlyCold.at("Transitions").list()
			cold = len(transitions) == 1 && transitions[0].at("StorageClass").text() == "GLACIER_IR" &&
				transitions[0].at("TransitionInDays").text() == "${OriginalsColdDays}"
		case isForOriginals(onlyExpired):
			expired = onlyExpired.at("ExpirationInDays").text() == "${OriginalsExpireDays}"
		case isForOriginals(rule) && len(rule.at("TagFilters").list()) == 1:
			tag := rule.at("TagFilters").list()[0]
			rejected = tag.at("Key").text() == media.RejectedTag && tag.at("Value").text() == "true"
			r.want(number(rule.at("ExpirationInDays")) > float64(redrive), "%s must keep rejected originals for longer than the two queues keep an event, %d days", inputBucket, redrive)
		case rule.at("NoncurrentVersionExpiration").value != nil:
			days := rule.at("NoncurrentVersionExpiration", "NoncurrentDays").branches()
			erased = rule.at("Status").text() == "Enabled" && rule.at("Prefix").value == nil && rule.at("TagFilters").value == nil &&
				rule.at("ExpirationInDays").value == nil && rule.at("ExpiredObjectDeleteMarker").text() == "true" &&
				len(days) == 2 && days[0].text() == "${OriginalsUndeleteDays}" && days[1].text() == "1"
		default:
			r.want(rule.at("AbortIncompleteMultipartUpload").value != nil && rule.at("ExpirationInDays").value == nil,
				"%s must delete no original that nobody asked to delete: rule %s", inputBucket, rule.at("Id").text())
		}
	}
	r.want(rejected, "%s must delete rejected originals", inputBucket)
	r.want(cold, "%s must move originals to Glacier Instant Retrieval by parameter", inputBucket)
	r.want(expired, "%s must delete originals by parameter", inputBucket)
	r.want(erased, "%s must erase every version that is not the current one, whether it makes versions or not", inputBucket)
	r.wantText(t.props(inputBucket).at("VersioningConfiguration").only("HasUndelete").at("Status"), "Enabled", "%s: versions by parameter", inputBucket)
	pattern, err := regexp.Compile(t.Parameters["OriginalsExpireDays"].at("AllowedPattern").text())
	r.want(err == nil && pattern.MatchString("") && pattern.MatchString(strconv.Itoa(redrive+1)) && !pattern.MatchString(strconv.Itoa(redrive)),
		"OriginalsExpireDays must be longer than the two queues keep an event")
}

// checkPublished checks that nothing that is published is ever deleted by a rule, and that the records of tries are,
// once the event is in no queue any more.
func checkPublished(t template, r *report) {
	forgotten := false
	for _, rule := range t.props(outputBucket).at("LifecycleConfiguration", "Rules").items() {
		if rule.at("Prefix").text() == triesPrefix && rule.at("Status").text() == "Enabled" {
			forgotten = number(rule.at("ExpirationInDays")) > retention(t, workQueue).Hours()/24
			continue
		}
		r.want(rule.at("AbortIncompleteMultipartUpload").value != nil && rule.at("ExpirationInDays").value == nil,
			"%s must delete nothing that is published: rule %s", outputBucket, rule.at("Id").text())
	}
	r.want(forgotten, "%s must delete the records of tries, a day after %s has forgotten the event", outputBucket, workQueue)
	for _, s := range statementsOf(t, outputBucket) {
		if s.at("Effect").text() != "Allow" || !slices.Contains(s.at("Action").texts(), "s3:GetObject") {
			continue
		}
		served := []string{"${OutputBucket.Arn}/" + string(media.Public) + "*", "${OutputBucket.Arn}/" + string(media.Private) + "*"}
		r.want(slices.Equal(s.at("Resource").texts(), served), "%s: statement %s must allow what is published, and nothing else", outputBucket, s.at("Sid").text())
	}
}

// longestGrant is the longest grant that the API can be configured to give.
const longestGrant = time.Hour

func isForOriginals(rule node) bool {
	return rule.at("Status").text() == "Enabled" && rule.at("Prefix").text() == media.OriginalPrefix
}

// checkAccessLogs checks that the requests to our buckets and the distribution are logged where that is asked
// for, and only then.
func checkAccessLogs(t template, r *report) {
	r.want(t.Resources[logBucket].Condition == "HasAccessLogs", "%s must be there by parameter only", logBucket)
	checkOutlives(t, r, logBucket)
	r.want(slices.ContainsFunc(t.props(logBucket).at("LifecycleConfiguration", "Rules").items(), func(rule node) bool {
		return rule.at("Status").text() == "Enabled" && rule.at("ExpirationInDays").text() == "${AccessLogDays}"
	}), "%s must forget", logBucket)
	prefixes := map[string]string{}
	for _, id := range []string{inputBucket, outputBucket, siteBucket} {
		logging := t.props(id).at("LoggingConfiguration").only("HasAccessLogs")
		destination := logging.at("DestinationBucketName", "Fn::Select").list()
		r.want(len(destination) == 2 && slices.Equal(destination[1].texts(), []string{"${LogBucket}", "${LogBucketPolicy}"}),
			"%s must log requests to %s by parameter, once its policy is there", id, logBucket)
		prefix := logging.at("LogFilePrefix").text()
		r.want(strings.HasPrefix(prefix, "s3/") && prefixes[prefix] == "", "%s must log under a prefix of its own", id)
		prefixes[prefix] = id
	}
	logging := t.props(distribution).at("DistributionConfig", "Logging").only("HasAccessLogs")
	r.want(logging.at("Bucket").text() == "${LogBucket.DomainName}" && logging.at("IncludeCookies").text() != "true",
		"the distribution must log requests to %s by parameter, and no cookies", logBucket)
	// CloudFront's legacy logs need ACLs.
	// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
	ownership := t.props(logBucket).at("OwnershipControls", "Rules").items()
	r.want(len(ownership) == 1 && ownership[0].at("ObjectOwnership").text() == "BucketOwnerPreferred", "%s must allow ACLs, for CloudFront", logBucket)
}

// statementsOf are those of the policies of the bucket called id.
func statementsOf(t template, id string) []node {
	var statements []node
	for _, policy := range t.ofType("AWS::S3::BucketPolicy") {
		if t.props(policy).at("Bucket").text() == "${"+id+"}" {
			statements = append(statements, t.props(policy).at("PolicyDocument", "Statement").items()...)
		}
	}
	return statements
}

// checkBucketPolicy checks that the bucket's policy refuses plain HTTP and lets nobody in but our distribution.
func checkBucketPolicy(t template, r *report, bucket string) {
	statements := statementsOf(t, bucket)
	tlsOnly := slices.ContainsFunc(statements, func(s node) bool {
		return isTLSOnly(s) && len(s.at("Resource").items()) == 2 // the bucket and its objects
	})
	r.want(tlsOnly, "%s must refuse plain HTTP", bucket)
	for _, s := range statements {
		if s.at("Effect").text() != "Allow" {
			continue
		}
		if bucket == logBucket {
			r.want(s.at("Principal", "Service").text() == "logging.s3.amazonaws.com" && s.at("Action").text() == "s3:PutObject" &&
				s.at("Condition", "StringEquals", "aws:SourceAccount").text() == "${AWS::AccountId}" &&
				slices.Equal(s.at("Condition", "ArnEquals", "aws:SourceArn").texts(),
					[]string{bucketARN(t, inputBucket), bucketARN(t, outputBucket), bucketARN(t, siteBucket)}),
				"%s: statement %s must allow the logs of our buckets only", bucket, s.at("Sid").text())
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

// isTLSOnly reports whether a statement denies everybody everything over plain HTTP.
func isTLSOnly(s node) bool {
	return s.at("Effect").text() == "Deny" && s.at("Principal").text() == "*" && strings.HasSuffix(s.at("Action").text(), ":*") &&
		s.at("Condition", "Bool", "aws:SecureTransport").text() == "false"
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
		for _, property := range []string{"AllowedHeaders", "ExposedHeaders", "MaxAge"} {
			r.want(reflect.DeepEqual(rule.at(property), rules[0].at(property)), "%s: CORS must be the same for all origins: %s", inputBucket, property)
		}
	}
	for _, origin := range []string{"https://${Domain}", "https://${Distribution.DomainName}", "${AllowedOrigins}"} {
		r.want(slices.Contains(origins, origin), "%s must take uploads from %s", inputBucket, origin)
	}
}
