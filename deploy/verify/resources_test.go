package main

import "testing"

func TestBuckets(t *testing.T) {
	const policy = "OutputBucketPolicy"
	const tries = "OutputBucket must delete the records of tries"
	statement := func(steps ...any) []any {
		return props(policy, append([]any{"PolicyDocument", "Statement"}, steps...)...)
	}
	cors := func(steps ...any) []any {
		return props(inputBucket, append([]any{"CorsConfiguration", "CorsRules"}, steps...)...)
	}
	testEdits(t, map[string]edit{
		"public ACLs":             {"InputBucket: IgnorePublicAcls must be", false, props(inputBucket, "PublicAccessBlockConfiguration", "IgnorePublicAcls")},
		"public policy":           {"SiteBucket: BlockPublicPolicy must be", false, props(siteBucket, "PublicAccessBlockConfiguration", "BlockPublicPolicy")},
		"public deployment":       {"ServerlessDeploymentBucket: BlockPublicAcls must be", nil, props("ServerlessDeploymentBucket", "PublicAccessBlockConfiguration")},
		"not encrypted":           {"OutputBucket must be encrypted", nil, props(outputBucket, "BucketEncryption")},
		"deleted with stack":      {"InputBucket must outlive the stack", "Delete", way(inputBucket, "DeletionPolicy")},
		"deleted on replacement":  {"OutputBucket must outlive its replacement", nil, way(outputBucket, "UpdateReplacePolicy")},
		"foreign objects":         {"SiteBucket must own its objects", "ObjectWriter", props(siteBucket, "OwnershipControls", "Rules", 0, "ObjectOwnership")},
		"parts stay on the site":  {"SiteBucket must drop incomplete multipart uploads", nil, props(siteBucket, "LifecycleConfiguration")},
		"multipart uploads stay":  {"OutputBucket must drop incomplete multipart uploads", "Disabled", props(outputBucket, "LifecycleConfiguration", "Rules", 0, "Status")},
		"plain HTTP":              {"OutputBucket must refuse plain HTTP", "true", statement(0, "Condition", "Bool", "aws:SecureTransport")},
		"no policy":               {"SiteBucket must refuse plain HTTP", nil, way("SiteBucketPolicy")},
		"policy for everybody":    {"OutputBucket: statement Cdn must allow the distribution only", "*", statement(1, "Principal")},
		"any distribution":        {"OutputBucket: statement Cdn must allow the distribution only", nil, statement(1, "Condition")},
		"CDN may write":           {"OutputBucket: the CDN must not be allowed s3:PutObject", "s3:PutObject", statement(1, "Action")},
		"CDN serves everything":   {"OutputBucket: statement Cdn must allow what is published, and nothing else", sub("${OutputBucket.Arn}/*"), statement(1, "Resource")},
		"tries stay":              {tries, "Disabled", props(outputBucket, "LifecycleConfiguration", "Rules", 1, "Status")},
		"tries forgotten early":   {tries, 4, props(outputBucket, "LifecycleConfiguration", "Rules", 1, "ExpirationInDays")},
		"images expire":           {"OutputBucket must delete nothing that is published: rule expire-tries", "i/", props(outputBucket, "LifecycleConfiguration", "Rules", 1, "Prefix")},
		"CORS on output":          {"OutputBucket must have no CORS", []any{}, props(outputBucket, "CorsConfiguration")},
		"uploads from anywhere":   {"InputBucket must not take uploads from *", []any{"*"}, cors(0, "AllowedOrigins")},
		"no uploads from the CDN": {"InputBucket must take uploads from https://${Distribution.DomainName}", []any{"https://${Domain}"}, cors(0, "AllowedOrigins")},
		"CORS for GET":            {"CORS must allow PUT only", []any{"GET", "PUT"}, cors(0, "AllowedMethods")},
		"others send less":        {"CORS must be the same for all origins: AllowedHeaders", []any{"content-type"}, cors(1, "Fn::If", 1, "AllowedHeaders")},
		"other origins forgotten": {"InputBucket must take uploads from ${AllowedOrigins}", ref("AWS::NoValue"), cors(1)},
	})
}

func TestOriginals(t *testing.T) {
	statements := func(steps ...any) []any {
		return props("InputBucketPolicy", append([]any{"PolicyDocument", "Statement"}, steps...)...)
	}
	statement := func(steps ...any) []any { return statements(append([]any{1}, steps...)...) }
	rule := func(steps ...any) []any {
		return props(inputBucket, append([]any{"LifecycleConfiguration", "Rules"}, steps...)...)
	}
	const (
		once     = "InputBucket must refuse every PUT of an original without If-None-Match"
		rejected = "InputBucket must delete rejected originals"
		erased   = "InputBucket must erase every version"
	)
	testEdits(t, map[string]edit{
		"put twice":                  {once, nil, statement("Condition")},
		"put twice elsewhere":        {once, sub("${InputBucket.Arn}/other/*"), statement("Resource")},
		"put once refused":           {once, "false", statement("Condition", "Null", "s3:if-none-match")},
		"parts exempt":               {once, map[string]any{"s3:ObjectCreationOperation": "true"}, statement("Condition", "Bool")},
		"only some put once":         {once, map[string]any{"AWS": "x"}, statement("Principal")},
		"old signatures":             {"InputBucket must refuse every PUT of an original with a signature older than 1h", "604800000", statements(2, "Condition", "NumericGreaterThan", "s3:signatureAge")},
		"rejected stay":              {rejected, "Disabled", rule(1, "Status")},
		"rejected stay for ever":     {"InputBucket must keep rejected originals for longer", nil, rule(1, "ExpirationInDays")},
		"rejected go before redrive": {"InputBucket must keep rejected originals for longer", 18, rule(1, "ExpirationInDays")},
		"other tag":                  {rejected, "rejected", rule(1, "TagFilters", 0, "Key")},
		"other value":                {rejected, "false", rule(1, "TagFilters", 0, "Value")},
		"all are rejected":           {"InputBucket must delete no original that nobody asked to delete: rule expire-rejected", nil, rule(1, "TagFilters")},
		"all aborted":                {"delete no original that nobody asked to delete: rule abort-multipart", 1, rule(0, "ExpirationInDays")},
		"cold without asking":        {"move originals to Glacier Instant Retrieval by parameter", "HasJwt", rule(2, "Fn::If", 0)},
		"too cold":                   {"move originals to Glacier Instant Retrieval by parameter", "DEEP_ARCHIVE", rule(2, "Fn::If", 1, "Transitions", 0, "StorageClass")},
		"expired without asking":     {"InputBucket must delete originals by parameter", map[string]any{"Status": "Enabled"}, rule(3, "Fn::If", 2)},
		"versions stay":              {erased, "Disabled", rule(4, "Status")},
		"versions of some stay":      {erased, "originals/a", rule(4, "Prefix")},
		"versions stay once off":     {erased, ref("OriginalsUndeleteDays"), rule(4, "NoncurrentVersionExpiration", "NoncurrentDays")},
		"markers stay":               {erased, nil, rule(4, "ExpiredObjectDeleteMarker")},
		"versions without asking":    {"InputBucket: versions by parameter must be", map[string]any{"Status": "Enabled"}, props(inputBucket, "VersioningConfiguration")},
		"expired within the redrive": {"OriginalsExpireDays must be longer", "^[0-9]*$", []any{"Parameters", "OriginalsExpireDays", "AllowedPattern"}},
	})
}

func TestAccessLogs(t *testing.T) {
	logging := func(id string, steps ...any) []any {
		return props(id, append([]any{"LoggingConfiguration", "Fn::If"}, steps...)...)
	}
	statement := func(steps ...any) []any {
		return props("LogBucketPolicy", append([]any{"PolicyDocument", "Statement"}, steps...)...)
	}
	const ours = "LogBucket: statement ServerAccessLogs must allow the logs of our buckets only"
	testEdits(t, map[string]edit{
		"logs without asking":  {"LogBucket must be there by parameter only", nil, way(logBucket, "Condition")},
		"logs deleted":         {"LogBucket must outlive the stack", "Delete", way(logBucket, "DeletionPolicy")},
		"logs kept for ever":   {"LogBucket must forget", "Disabled", props(logBucket, "LifecycleConfiguration", "Rules", 0, "Status")},
		"bucket not logged":    {"OutputBucket must log requests to LogBucket by parameter", nil, props(outputBucket, "LoggingConfiguration")},
		"before the policy":    {"SiteBucket must log requests to LogBucket by parameter, once", ref(logBucket), logging(siteBucket, 1, "DestinationBucketName")},
		"same prefix":          {"must log under a prefix of its own", "s3/input/", logging(siteBucket, 1, "LogFilePrefix")},
		"prefix not allowed":   {"OutputBucket must log under a prefix of its own", "output/", logging(outputBucket, 1, "LogFilePrefix")},
		"CDN not logged":       {"the distribution must log requests", nil, props(distribution, "DistributionConfig", "Logging")},
		"cookies logged":       {"the distribution must log requests to LogBucket by parameter, and no cookies", true, props(distribution, "DistributionConfig", "Logging", "Fn::If", 1, "IncludeCookies")},
		"CDN may not log":      {"LogBucket must allow ACLs", "BucketOwnerEnforced", props(logBucket, "OwnershipControls", "Rules", 0, "ObjectOwnership")},
		"logs of others":       {ours, nil, statement(1, "Condition", "ArnEquals")},
		"logs of any account":  {ours, nil, statement(1, "Condition", "StringEquals")},
		"logs by anybody":      {ours, "*", statement(1, "Principal")},
		"logs over plain HTTP": {"LogBucket must refuse plain HTTP", "Allow", statement(0, "Effect")},
	})
}

func TestAccess(t *testing.T) {
	const catchAll = "HttpApiRouteAnyApiProxyVar"
	const deleteRoute = "HttpApiRouteDeleteApiProxyVar"
	const token = "with an issuer, the HTTP API must ask for a token on all routes but"
	deletions := func(limit string) []any { return props("HttpApiStage", "RouteSettings", "DELETE /api/{proxy+}", limit) }
	testEdits(t, map[string]edit{
		"no rate limit":          {"HttpApiStage must bound rate and burst", nil, props("HttpApiStage", "DefaultRouteSettings", "ThrottlingRateLimit")},
		"no burst limit":         {"HttpApiStage must bound rate and burst", 0, props("HttpApiStage", "DefaultRouteSettings", "ThrottlingBurstLimit")},
		"deletions unlimited":    {"HttpApiStage must bound deletions: ThrottlingRateLimit", nil, props("HttpApiStage", "RouteSettings")},
		"deletions as fast":      {"HttpApiStage must bound deletions: ThrottlingRateLimit", 200, deletions("ThrottlingRateLimit")},
		"burst of deletions":     {"HttpApiStage must bound deletions: ThrottlingBurstLimit", nil, deletions("ThrottlingBurstLimit")},
		"one path of deletions":  {"HttpApiStage must be made after the route DELETE", "DELETE /api/v1/uploads/{id}", props(deleteRoute, "RouteKey")},
		"limit before its route": {"HttpApiStage must be made after the route DELETE", nil, way("HttpApiStage", "DependsOn")},
		"anybody deletes":        {token, "NONE", props(deleteRoute, "AuthorizationType")},
		"no access log":          {"HttpApiStage must log requests", nil, props("HttpApiStage", "AccessLogSettings")},
		"access log as text":     {"HttpApiStage must log requests as JSON", "$context.requestId $context.status", props("HttpApiStage", "AccessLogSettings", "Format")},
		"ids logged":             {"HttpApiStage must not log $context.path", `{"path":"$context.path"}`, props("HttpApiStage", "AccessLogSettings", "Format")},
		"open with an issuer":    {token, "NONE", props(catchAll, "AuthorizationType")},
		"no authorizer":          {token, nil, props(catchAll, "AuthorizerId")},
		"another open route":     {token, "GET /api/v1/uploads/{id}", props("HttpApiRouteGetApiV1Presets", "RouteKey")},
		"any issuer":             {"JwtAuthorizer must check tokens of the issuer", "https://other.example", props("JwtAuthorizer", "JwtConfiguration", "Issuer")},
		"token in the query":     {"JwtAuthorizer must check tokens of the issuer", []any{"$request.querystring.token"}, props("JwtAuthorizer", "IdentitySource")},
		"any audience":           {"JwtAuthorizer must check that tokens are for the audience", []any{"x"}, props("JwtAuthorizer", "JwtConfiguration", "Audience")},
		"open without an issuer": {"HasJwt must hold by issuer or audience", ref("JwtIssuer"), []any{"Conditions", "HasJwt"}},
	})
}

func TestAlarms(t *testing.T) {
	topic := func(steps ...any) []any {
		return props("AlarmTopicPolicy", append([]any{"PolicyDocument", "Statement", 0}, steps...)...)
	}
	key := func(steps ...any) []any {
		return props("AlarmKey", append([]any{"KeyPolicy", "Statement", 1}, steps...)...)
	}
	testEdits(t, map[string]edit{
		"errors untold":          {"there must be an alarm for AWS/Lambda Errors of ${WorkerLambdaFunction}", nil, way("WorkerErrorsAlarm")},
		"failures untold":        {"WorkerErrorsAlarm must count what the worker names as failed", "FailedUploads", props("WorkerErrorsAlarm", "Metrics", 1, "MetricStat", "Metric", "MetricName")},
		"5xx of another API":     {"there must be an alarm for AWS/ApiGateway 5xx of ${HttpApi}", "x", props("Api5xxAlarm", "Dimensions", 0, "Value")},
		"one alarm more":         {"there must be at most 11 alarms", map[string]any{"Type": "AWS::CloudWatch::Alarm"}, way("Twelfth")},
		"failed uploads untold":  {"there must be an alarm for presize FailedUploads of ${WorkerLambdaFunction}", nil, way("WorkerFailedUploadsAlarm")},
		"no share of corrupt":    {"WorkerCorruptAlarm must say what it makes of its metrics", nil, props("WorkerCorruptAlarm", "Metrics", 3, "Expression")},
		"nobody told":            {"WorkerDurationAlarm must tell AlarmTopic by parameter: AlarmActions", nil, props("WorkerDurationAlarm", "AlarmActions")},
		"nobody told it is over": {"FailureAlarm must tell AlarmTopic by parameter: OKActions", []any{ref("AlarmTopic")}, props("FailureAlarm", "OKActions")},
		"no description":         {"FailureAlarm must say what is the matter", nil, props("FailureAlarm", "AlarmDescription")},
		"alarm by silence":       {"Api5xxAlarm: missing data must be", "breaching", props("Api5xxAlarm", "TreatMissingData")},
		"alarm downwards":        {"Api5xxAlarm must go off upwards", "LessThanThreshold", props("Api5xxAlarm", "ComparisonOperator")},
		"old events too late":    {"the alarm for old events must leave three days", 864000, props("FailureAgeAlarm", "Threshold")},
		"long runs too late":     {"the alarm for long runs must go off before", 116000, props("WorkerDurationAlarm", "Threshold")},
		"shorter timeout":        {"the alarm for long runs must go off before", 60, props(worker, "Timeout")},
		"backlog too late":       {"the alarm for a backlog must go off long before", 345600, props("WorkerBacklogAlarm", "Threshold")},
		"no command":             {"FailureAlarm must name the command that redrives", "Redrive them.", props("FailureAlarm", "AlarmDescription")},
		"topic without asking":   {"AlarmTopic must be there by parameter only", nil, way("AlarmTopic", "Condition")},
		"sent elsewhere":         {"AlarmSubscription must send AlarmTopic by e-mail", "x@example.com", props("AlarmSubscription", "Endpoint")},
		"topic in the clear":     {"AlarmTopic: key must be", nil, props("AlarmTopic", "KmsMasterKeyId")},
		"key kept for ever":      {"AlarmKey: rotation must be", false, props("AlarmKey", "EnableKeyRotation")},
		"alarms kept out":        {"AlarmTopicPolicy must let the account's alarms sns:Publish", "Deny", topic("Effect")},
		"alarms of others":       {"AlarmTopicPolicy must let the account's alarms sns:Publish", nil, topic("Condition")},
		"key kept from alarms":   {"AlarmKey must let the account's alarms kms:Decrypt and kms:GenerateDataKey*", []any{"kms:Decrypt"}, key("Action")},
	})
}

func TestDashboard(t *testing.T) {
	body := func(text string) edit { return edit{value: sub(text), way: props("Dashboard", "DashboardBody")} }
	edits := map[string]edit{}
	for want, text := range map[string]string{
		"Dashboard must be JSON":                          `{"widgets": [}`,
		"Dashboard must show FailureAlarm":                `{"widgets": []}`,
		"Dashboard must show 50 metrics at most, shows 0": `{"widgets": []}`,
		"Dashboard refers to Nothing":                     `{"widgets": [], "x": "${Nothing.Arn}"}`,
	} {
		e := body(text)
		e.want = want
		edits[want] = e
	}
	edits["none"] = edit{"there must be a dashboard", nil, way("Dashboard")}
	testEdits(t, edits)
}

func TestFunctions(t *testing.T) {
	variables := func(id, name string) []any { return props(id, "Environment", "Variables", name) }
	testEdits(t, map[string]edit{
		"other architecture":  {"WorkerLambdaFunction must run on arm64", []any{"x86_64"}, props(worker, "Architectures")},
		"layer for another":   {"LibvipsLambdaLayer must be for nodejs22.x, as WorkerLambdaFunction", "nodejs22.x", props(worker, "Runtime")},
		"no layer":            {"WorkerLambdaFunction must have the libvips layer", nil, props(worker, "Layers")},
		"layer for amd64":     {"LibvipsLambdaLayer must be for arm64, as WorkerLambdaFunction", []any{"x86_64"}, props(layer, "CompatibleArchitectures")},
		"layer on api":        {"ApiLambdaFunction must need no layer", []any{ref(layer)}, props(apiFunction, "Layers")},
		"plain logs":          {"ApiLambdaFunction: log format must be", "Text", props(apiFunction, "LoggingConfig", "LogFormat")},
		"endless logs":        {"ApiLambdaFunction must have a log group whose logs end", nil, props("ApiLogGroup", "RetentionInDays")},
		"buckets swapped":     {"ApiLambdaFunction: PRESIZE_INPUT_BUCKET must be", sub("presize-dev-output-${AWS::AccountId}-${AWS::Region}"), variables(apiFunction, "PRESIZE_INPUT_BUCKET")},
		"no distribution":     {"WorkerLambdaFunction: PRESIZE_DISTRIBUTION_ID must be", "", variables(worker, "PRESIZE_DISTRIBUTION_ID")},
		"no route":            {"the HTTP API must route ANY /api/{proxy+}", "GET /", props("HttpApiRouteAnyApiProxyVar", "RouteKey")},
		"payload 1.0":         {"must hand requests to ApiLambdaFunction as payload 2.0", "1.0", props("HttpApiIntegrationApi", "PayloadFormatVersion")},
		"API not permitted":   {"the HTTP API must be permitted to invoke ApiLambdaFunction", nil, way("ApiLambdaPermissionHttpApi")},
		"API times out early": {"ApiLambdaFunction must time out after the API itself", 6, props(apiFunction, "Timeout")},
		"third function":      {"Third must run on arm64", map[string]any{"Type": "AWS::Lambda::Function"}, way("Third")},
		"always traced":       {"WorkerLambdaFunction must be traced by parameter", "Active", props(worker, "TracingConfig", "Mode")},
		"endless API logs":    {"HttpApiLogGroup must forget some day", nil, props("HttpApiLogGroup", "RetentionInDays")},
		"less memory":         {"WorkerLambdaFunction must have the 3008 MB that are the limit by default", 1024, props(worker, "MemorySize")},
	})
}

func TestTriggerAndFailures(t *testing.T) {
	notification := func(steps ...any) []any {
		return props(inputBucket, append([]any{"NotificationConfiguration", "QueueConfigurations"}, steps...)...)
	}
	permission := func(steps ...any) []any {
		return props("WorkQueuePolicy", append([]any{"PolicyDocument", "Statement", 0}, steps...)...)
	}
	mapping := func(steps ...any) []any { return props("WorkMapping", steps...) }
	const unpermitted = "InputBucket must depend on its permission to use WorkQueue"
	testEdits(t, map[string]edit{
		"removals untold":         {"InputBucket must tell of created and removed originals", "s3:ObjectCreated:Put", notification(1, "Event")},
		"others told":             {"receiver of s3:ObjectCreated:*", getAtt(failureQueue, "Arn"), notification(0, "Queue")},
		"every key told":          {"InputBucket must tell of originals only", nil, notification(0, "Filter")},
		"output triggers":         {"OutputBucket must trigger nothing", map[string]any{}, props(outputBucket, "NotificationConfiguration")},
		"permission later":        {unpermitted, nil, way(inputBucket, "DependsOn")},
		"permission for others":   {unpermitted, sub("arn:${AWS::Partition}:s3:::other"), permission("Condition", "ArnEquals", "aws:SourceArn")},
		"permission for accounts": {unpermitted, nil, permission("Condition", "StringEquals")},
		"permission of other":     {unpermitted, "sns.amazonaws.com", permission("Principal", "Service")},
		"anybody may tell":        {unpermitted, "*", permission("Principal")},
		"more is allowed":         {unpermitted, "sqs:*", permission("Action")},
		"queue of others":         {unpermitted, []any{ref(failureQueue)}, props("WorkQueuePolicy", "Queues")},
		"events come twice":       {"InputBucket: receiver beside the queue", []any{map[string]any{}}, props(inputBucket, "NotificationConfiguration", "LambdaConfigurations")},
		"no mapping":              {"there must be one event source mapping of WorkerLambdaFunction", nil, way("WorkMapping")},
		"another source":          {"WorkMapping: source must be", getAtt(failureQueue, "Arn"), mapping("EventSourceArn")},
		"another function":        {"there must be one event source mapping of WorkerLambdaFunction", getAtt(apiFunction, "Arn"), mapping("FunctionName")},
		"batches":                 {"WorkMapping: batch size must be", 10, mapping("BatchSize")},
		"failures as successes":   {"WorkMapping must report batch item failures", nil, mapping("FunctionResponseTypes")},
		"too few workers":         {"WorkMapping must have a maximum concurrency of 2 to 1000", "1", mapping("ScalingConfig", "MaximumConcurrency")},
		"no bound":                {"WorkMapping must have a maximum concurrency", nil, mapping("ScalingConfig")},
		"reserved":                {"WorkerLambdaFunction must reserve no concurrency", 5, props(worker, "ReservedConcurrentExecutions")},
		"visible too early":       {"WorkQueue must hide a message for six timeouts", 719, props(workQueue, "VisibilityTimeout")},
		"too few receives":        {"WorkQueue must deliver a message 16 times", 3, props(workQueue, "RedrivePolicy", "maxReceiveCount")},
		"worker without queue":    {"WorkerLambdaFunction: PRESIZE_WORK_QUEUE_URL must be", ref(failureQueue), props(worker, "Environment", "Variables", "PRESIZE_WORK_QUEUE_URL")},
		"no dead-letter queue":    {"WorkQueue: dead-letter queue must be", nil, props(workQueue, "RedrivePolicy")},
		"dead letters of others":  {"FailureQueue must take the events of WorkQueue only", "allowAll", props(failureQueue, "RedriveAllowPolicy", "redrivePermission")},
		"another queue's name":    {"FailureQueue must take the events of WorkQueue only", "other", props(workQueue, "QueueName")},
		"work over plain HTTP":    {"WorkQueue must refuse plain HTTP", "Allow", props("WorkQueuePolicy", "PolicyDocument", "Statement", 1, "Effect")},
		"work in the clear":       {"WorkQueue: encryption must be", nil, props(workQueue, "SqsManagedSseEnabled")},
		"queue forgets":           {"FailureQueue must keep events for as long as SQS can", 345600, props(failureQueue, "MessageRetentionPeriod")},
		"queue over plain HTTP":   {"FailureQueue must refuse plain HTTP", "Allow", props("FailureQueuePolicy", "PolicyDocument", "Statement", 0, "Effect")},
		"queue in the clear":      {"FailureQueue: encryption must be", nil, props(failureQueue, "SqsManagedSseEnabled")},
		"alarm on something else": {"there must be an alarm as soon as FailureQueue is not empty", "other", props("FailureAlarm", "Dimensions", 0, "Value")},
		"alarm too late":          {"there must be an alarm as soon as FailureQueue is not empty", 10, props("FailureAlarm", "Threshold")},
	})
}

func TestRoles(t *testing.T) {
	statement := func(role string, policy, index int, steps ...any) []any {
		return props(role, append([]any{"Policies", policy, "PolicyDocument", "Statement", index}, steps...)...)
	}
	const output = "arn:${AWS::Partition}:s3:::presize-dev-output-${AWS::AccountId}-${AWS::Region}"
	const input = "arn:${AWS::Partition}:s3:::presize-dev-input-${AWS::AccountId}-${AWS::Region}"
	testEdits(t, map[string]edit{
		"shared role":            {"ApiRole must allow writing to OutputBucket", getAtt("ApiRole", "Arn"), props(worker, "Role")},
		"shared role is told of": {"WorkerLambdaFunction must not share its role with ApiLambdaFunction", getAtt("ApiRole", "Arn"), props(worker, "Role")},
		"foreign role":           {"ApiLambdaFunction must have a role of this stack", "arn:aws:iam::1:role/x", props(apiFunction, "Role")},
		"third role":             {"there must be one role per function and no other", map[string]any{"Type": "AWS::IAM::Role"}, way("Third")},
		"assumed by anybody":     {"ApiRole must be assumed by Lambda only", "*", props("ApiRole", "AssumeRolePolicyDocument", "Statement", 0, "Principal")},
		"managed policy":         {"ApiRole must have no managed policy", []any{"arn:aws:iam::aws:policy/AdministratorAccess"}, props("ApiRole", "ManagedPolicyArns")},
		"unbounded":              {"WorkerRole: the boundary by parameter must be", nil, props("WorkerRole", "PermissionsBoundary")},
		"wild action":            {"ApiRole: s3:* is not an exact action", "s3:*", statement("ApiRole", 0, 0, "Action")},
		"any action":             {"WorkerRole: * is not an exact action", []any{"*"}, statement("WorkerRole", 0, 1, "Action")},
		"any resource":           {"WorkerRole: s3:GetObject on * is wider than needed", "*", statement("WorkerRole", 0, 0, "Resource")},
		"whole bucket":           {"/* is wider than needed", sub(input + "/*"), statement("ApiRole", 0, 0, "Resource")},
		"objects of the bucket":  {"s3:GetObject on " + input + " is wider", []any{sub(input)}, statement("WorkerRole", 0, 0, "Resource")},
		"any distribution":       {"WorkerRole must allow cloudfront:CreateInvalidation", sub("arn:${AWS::Partition}:cloudfront::${AWS::AccountId}:distribution/*"), statement("WorkerRole", 2, 0, "Resource")},
		"all but":                {"ApiRole: objects must name what it allows", []any{"s3:GetObject"}, statement("ApiRole", 0, 0, "NotAction")},
		"missing key is 403":     {"ApiRole must allow s3:ListBucket on OutputBucket", []any{sub(input)}, statement("ApiRole", 0, 2, "Resource")},
		"api writes output":      {"ApiRole must not allow writing to OutputBucket", []any{"s3:PutObject", "s3:GetObject"}, statement("ApiRole", 0, 1, "Action")},
		"worker deletes input":   {"WorkerRole must not allow writing to InputBucket", []any{"s3:GetObject", "s3:DeleteObject"}, statement("WorkerRole", 0, 0, "Action")},
		"worker cannot publish":  {"WorkerRole must allow writing to OutputBucket", []any{"s3:GetObject"}, statement("WorkerRole", 0, 1, "Action")},
		"worker cannot read":     {"WorkerRole must allow reading from InputBucket", sub(output + "/i/*"), statement("WorkerRole", 0, 0, "Resource")},
		"rejected not tagged":    {"WorkerRole must allow s3:PutObjectTagging, or", []any{"s3:GetObject", "s3:GetObjectTagging"}, statement("WorkerRole", 0, 0, "Action")},
		"traced in any case":     {"ApiRole must allow tracing where there is tracing", "HasJwt", props("ApiRole", "Policies", 2, "Fn::If", 0)},
		"tracing not allowed":    {"WorkerRole must allow tracing where there is tracing", nil, props("WorkerRole", "Policies", 4, "Fn::If")},
		"events are lost":        {"WorkerRole must allow sqs:DeleteMessage on WorkQueue", "sqs:ReceiveMessage", statement("WorkerRole", 1, 0, "Action")},
		"logs are lost":          {"ApiRole must allow logs:PutLogEvents on its own log group", []any{getAtt("WorkerLogGroup", "Arn")}, statement("ApiRole", 1, 0, "Resource")},
	})
}
