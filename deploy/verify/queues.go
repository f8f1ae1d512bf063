package main

import (
	"slices"
	"time"

	"github.com/presize/presize/internal/media"
	tries "github.com/presize/presize/worker"
)

// mayTell reports whether the policy called id lets S3 put the events of one bucket of this account into a queue,
// and lets nobody do more.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html
func mayTell(t template, id, bucket, queue string) bool {
	allowed := slices.DeleteFunc(t.props(id).at("PolicyDocument", "Statement").items(), isTLSOnly)
	return len(allowed) == 1 && allowed[0].at("Effect").text() == "Allow" &&
		allowed[0].at("Principal", "Service").text() == "s3.amazonaws.com" &&
		allowed[0].at("Action").text() == "sqs:SendMessage" && allowed[0].at("Resource").text() == "${"+queue+".Arn}" &&
		allowed[0].at("Condition", "ArnEquals", "aws:SourceArn").text() == bucketARN(t, bucket) &&
		allowed[0].at("Condition", "StringEquals", "aws:SourceAccount").text() == "${AWS::AccountId}"
}

// checkTrigger checks that originals that come and go are told to the worker's queue, which S3 is permitted to use
// before it is told to.
func checkTrigger(t template, r *report) {
	events := []string{}
	for _, n := range t.props(inputBucket).at("NotificationConfiguration", "QueueConfigurations").items() {
		events = append(events, n.at("Event").text())
		r.wantText(n.at("Queue"), "${"+workQueue+".Arn}", "%s: receiver of %s", inputBucket, n.at("Event").text())
		rules := n.at("Filter", "S3Key", "Rules").items()
		r.want(len(rules) == 1 && rules[0].at("Name").text() == "prefix" && rules[0].at("Value").text() == media.OriginalPrefix,
			"%s must tell of originals only", inputBucket)
	}
	slices.Sort(events)
	r.want(slices.Equal(events, []string{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}), "%s must tell of created and removed originals", inputBucket)
	r.wantText(node{t.props(inputBucket).at("NotificationConfiguration", "LambdaConfigurations").value}, "", "%s: receiver beside the queue", inputBucket)
	for _, id := range []string{outputBucket, siteBucket} {
		r.want(t.props(id).at("NotificationConfiguration").value == nil, "%s must trigger nothing", id)
	}
	permitted := slices.ContainsFunc(t.Resources[inputBucket].DependsOn.texts(), func(id string) bool {
		return slices.Equal(t.props(id).at("Queues").texts(), []string{"${" + workQueue + "}"}) && mayTell(t, id, inputBucket, workQueue)
	})
	r.want(permitted, "%s must depend on its permission to use %s", inputBucket, workQueue)
}

// checkWork checks that the worker gets one event at a time, so many times as it counts on, and no more at once than
// is allowed.
func checkWork(t template, r *report) {
	mappings := slices.DeleteFunc(t.ofType("AWS::Lambda::EventSourceMapping"), func(id string) bool {
		return t.props(id).at("FunctionName").text() != aliasOf(worker)
	})
	r.want(len(mappings) == 1, "there must be one event source mapping of %s", worker)
	for _, id := range mappings {
		props := t.props(id)
		r.wantText(props.at("EventSourceArn"), "${"+workQueue+".Arn}", "%s: source", id)
		r.wantText(props.at("BatchSize"), "1", "%s: batch size", id)
		// Else an answer that names failures is a success, and the events are lost.
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
		r.want(slices.Equal(props.at("FunctionResponseTypes").texts(), []string{"ReportBatchItemFailures"}), "%s must report batch item failures", id)
		// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
		most := number(props.at("ScalingConfig", "MaximumConcurrency"))
		r.want(most >= 2 && most <= 1000, "%s must have a maximum concurrency of 2 to 1000", id)
	}
	// A reservation would be taken from the API, and would throttle what the mapping hands on.
	r.want(t.props(worker).at("ReservedConcurrentExecutions").value == nil, "%s must reserve no concurrency", worker)

	// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
	timeout, hidden := number(t.props(worker).at("Timeout")), number(t.props(workQueue).at("VisibilityTimeout"))
	r.want(timeout > 0 && hidden >= 6*timeout, "%s must hide a message for six timeouts of %s", workQueue, worker)
	r.want(number(t.props(workQueue).at("RedrivePolicy", "maxReceiveCount")) == tries.MaxReceives,
		"%s must deliver a message %d times, as the worker counts on", workQueue, tries.MaxReceives)
	r.wantText(variableOf(t, worker, "PRESIZE_WORK_QUEUE_URL"), "${"+workQueue+"}", "%s: PRESIZE_WORK_QUEUE_URL", worker)
}

// checkFailures checks that failed events are kept in a queue with an alarm.
func checkFailures(t template, r *report) {
	// SQS moves events back only from the dead-letter queue of a queue.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
	r.wantText(t.props(workQueue).at("RedrivePolicy", "deadLetterTargetArn"), "${"+failureQueue+".Arn}", "%s: dead-letter queue", workQueue)
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
	allow := t.props(failureQueue).at("RedriveAllowPolicy")
	r.want(allow.at("redrivePermission").text() == "byQueue" && slices.Equal(allow.at("sourceQueueArns").texts(), []string{queueARN(t, workQueue)}),
		"%s must take the events of %s only", failureQueue, workQueue)
	r.want(retention(t, failureQueue) == longestRetention, "%s must keep events for as long as SQS can", failureQueue)
	for _, id := range []string{workQueue, failureQueue} {
		r.want(slices.ContainsFunc(t.ofType("AWS::SQS::QueuePolicy"), func(policy string) bool {
			return slices.Equal(t.props(policy).at("Queues").texts(), []string{"${" + id + "}"}) &&
				slices.ContainsFunc(t.props(policy).at("PolicyDocument", "Statement").items(), isTLSOnly)
		}), "%s must refuse plain HTTP", id)
		r.wantText(t.props(id).at("SqsManagedSseEnabled"), "true", "%s: encryption", id)
	}
	r.want(slices.ContainsFunc(t.ofType("AWS::CloudWatch::Alarm"), func(id string) bool {
		props := t.props(id)
		dimensions := props.at("Dimensions").items()
		return props.at("MetricName").text() == "ApproximateNumberOfMessagesVisible" &&
			len(dimensions) == 1 && dimensions[0].at("Value").text() == "${"+failureQueue+".QueueName}" &&
			props.at("ComparisonOperator").text() == "GreaterThanThreshold" && props.at("Threshold").text() == "0"
	}), "there must be an alarm as soon as %s is not empty", failureQueue)
}

// longestRetention is the most that SQS allows.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
const longestRetention = 14 * 24 * time.Hour

// retention is how long the queue called id keeps a message. In a dead-letter queue that is since the message was
// sent to the first one.
func retention(t template, id string) time.Duration {
	return time.Duration(number(t.props(id).at("MessageRetentionPeriod"))) * time.Second
}

// queueARN is the ARN of the queue called id, made of its name.
func queueARN(t template, id string) string {
	return "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + t.props(id).at("QueueName").text()
}
