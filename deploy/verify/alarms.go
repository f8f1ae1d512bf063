package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// mostAlarms bounds the cost of the alarms that every stage has. They watch 14 metrics, of which ten are free in every
// account; the others cost $0.40 a month.
// https://aws.amazon.com/cloudwatch/pricing/
const mostAlarms = 11

// redriveCommand is the command that an alarm's text names, to be copied into a shell in the repository's root.
const redriveCommand = "AWS_REGION=${AWS::Region} go run ./deploy/presize redrive"

// watched is a metric that must have an alarm.
type watched struct {
	namespace, metric string
	of                string // the value of its only dimension, or the first of several
}

var alarms = []watched{
	{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "${" + failureQueue + ".QueueName}"},
	{"AWS/SQS", "ApproximateAgeOfOldestMessage", "${" + failureQueue + ".QueueName}"},
	{"AWS/SQS", "ApproximateAgeOfOldestMessage", "${" + workQueue + ".QueueName}"},
	{"AWS/Lambda", "Errors", "${" + worker + "}"},
	{"AWS/Lambda", "Duration", "${" + worker + "}"},
	{"AWS/Lambda", "Throttles", "${" + worker + "}"},
	{"AWS/Lambda", "Throttles", "${" + apiFunction + "}"},
	{"AWS/Lambda", "Errors", "${" + apiFunction + "}"},
	{"AWS/ApiGateway", "5xx", "${HttpApi}"},
	{"presize", "FailedUploads", "${" + worker + "}"},
	{"presize", "Rejected", "${" + worker + "}"},
	{"AWS/SQS", "ApproximateNumberOfMessagesVisible", "${" + webhookFailureQueue + ".QueueName}"},
	{"AWS/Events", "FailedInvocations", "${" + eventBus + "}"},
	{"AWS/Events", "InvocationsFailedToBeSentToDlq", "${" + eventBus + "}"},
	{"presize", "Undelivered", "${" + notifyFunction + "}"},
}

// checkAlarms checks that every kind of failure has an alarm, and that each alarm goes off in time and sends an e-mail.
func checkAlarms(t template, r *report) {
	found := map[watched]string{}
	for _, id := range t.ofType("AWS::CloudWatch::Alarm") {
		props := t.props(id)
		metric := props
		if several := props.at("Metrics").items(); len(several) > 0 {
			metric = several[0].at("MetricStat", "Metric")
			r.want(several[len(several)-1].at("Expression").text() != "", "%s must say what it makes of its metrics", id)
		} else {
			dimensions := 1
			if props.at("Namespace").text() == "AWS/Events" {
				dimensions = 2 // the bus and the rule
			}
			r.want(len(props.at("Dimensions").items()) == dimensions, "%s must be on one metric", id)
		}
		if dimensions := metric.at("Dimensions").items(); len(dimensions) > 0 {
			found[watched{metric.at("Namespace").text(), metric.at("MetricName").text(), dimensions[0].at("Value").text()}] = id
		}
		for _, list := range []string{"AlarmActions", "OKActions"} {
			actions := props.at(list).list()
			r.want(len(actions) == 1 && actions[0].only("HasAlarmEmail").text() == "${AlarmTopic}", "%s must tell AlarmTopic by parameter: %s", id, list)
		}
		r.want(props.at("AlarmDescription").text() != "", "%s must say what is the matter", id)
		r.wantText(props.at("TreatMissingData"), "notBreaching", "%s: missing data", id) // nothing happens where nobody uploads
		r.want(strings.HasPrefix(props.at("ComparisonOperator").text(), "GreaterThan"), "%s must go off upwards", id)
	}
	for _, want := range alarms {
		r.want(found[want] != "", "there must be an alarm for %s %s of %s", want.namespace, want.metric, want.of)
	}
	count := 0
	for _, id := range t.ofType("AWS::CloudWatch::Alarm") {
		if t.Resources[id].Condition == "" {
			count++
		}
	}
	r.want(count <= mostAlarms, "there must be at most %d alarms, are %d", mostAlarms, count)

	threshold := func(metric, of string, unit time.Duration) time.Duration {
		for w, id := range found {
			if w.metric == metric && w.of == of {
				return time.Duration(number(t.props(id).at("Threshold"))) * unit
			}
		}
		return 0
	}
	// Lambda counts no error where the worker names a message as failed.
	errors := t.props("WorkerErrorsAlarm").at("Metrics").items()
	r.want(len(errors) == 3 && errors[1].at("MetricStat", "Metric", "Namespace").text() == "presize" && errors[1].at("MetricStat", "Metric", "MetricName").text() == "Failed",
		"WorkerErrorsAlarm must count what the worker names as failed")
	old := threshold("ApproximateAgeOfOldestMessage", "${"+failureQueue+".QueueName}", time.Second)
	// The metric counts from when an event came into the queue, the retention from when it was sent.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
	latest := retention(t, failureQueue) - retention(t, workQueue) - 3*24*time.Hour
	r.want(old > 0 && old <= latest, "the alarm for old events must leave three days to redrive them")
	timeout := time.Duration(number(t.props(worker).at("Timeout"))) * time.Second
	long := threshold("Duration", "${"+worker+"}", time.Millisecond)
	r.want(long >= timeout/2 && long < timeout-6*time.Second, "the alarm for long runs must go off before the worker ends a rendering, 6 s before its timeout")
	backlog := threshold("ApproximateAgeOfOldestMessage", "${"+workQueue+".QueueName}", time.Second)
	r.want(backlog > 0 && backlog <= retention(t, workQueue)/2, "the alarm for a backlog must go off long before events are lost")
	for _, id := range []string{"FailureAlarm", "FailureAgeAlarm", "WorkerFailedUploadsAlarm"} {
		r.want(strings.Contains(t.props(id).at("AlarmDescription").text(), redriveCommand+" --stage "), "%s must name the command that redrives, with its region", id)
	}
}

// checkAlarmTopic checks that an alarm reaches the address, through a topic that is encrypted.
func checkAlarmTopic(t template, r *report) {
	for _, id := range []string{"AlarmTopic", "AlarmSubscription", "AlarmTopicPolicy", "AlarmKey"} {
		r.want(t.Resources[id].Condition == "HasAlarmEmail", "%s must be there by parameter only", id)
	}
	subscription := t.props("AlarmSubscription")
	r.want(subscription.at("TopicArn").text() == "${AlarmTopic}" && subscription.at("Protocol").text() == "email" &&
		subscription.at("Endpoint").text() == "${AlarmEmail}", "AlarmSubscription must send AlarmTopic by e-mail")
	// CloudWatch may use the topic and its key for alarms of this account.
	r.wantText(t.props("AlarmTopic").at("KmsMasterKeyId"), "${AlarmKey}", "AlarmTopic: key")
	r.wantText(t.props("AlarmKey").at("EnableKeyRotation"), "true", "AlarmKey: rotation")
	for id, actions := range map[string][]string{
		"AlarmTopicPolicy.PolicyDocument": {"sns:Publish"},
		"AlarmKey.KeyPolicy":              {"kms:Decrypt", "kms:GenerateDataKey*"},
	} {
		resource, policy, _ := strings.Cut(id, ".")
		r.want(slices.ContainsFunc(t.props(resource).at(policy, "Statement").items(), func(s node) bool {
			return s.at("Effect").text() == "Allow" && s.at("Principal", "Service").text() == "cloudwatch.amazonaws.com" &&
				slices.Equal(s.at("Action").texts(), actions) && s.at("Condition", "StringEquals", "aws:SourceAccount").text() == "${AWS::AccountId}"
		}), "%s must let the account's alarms %s", resource, strings.Join(actions, " and "))
	}
}

// maxDashboardMetrics is how many a dashboard can have for nothing.
const maxDashboardMetrics = 50

// checkDashboard checks that the dashboards are JSON, cost nothing, and show every alarm: the first one those that are
// always there.
func checkDashboard(t template, r *report) {
	dashboards := t.ofType("AWS::CloudWatch::Dashboard")
	r.want(len(dashboards) == 2 && t.Resources["Dashboard"].Condition == "", "there must be a dashboard, and another one for webhooks")
	for _, id := range dashboards {
		var body struct {
			Widgets []struct {
				Properties struct {
					Alarms  []string
					Metrics []any
				}
			}
		}
		text := t.props(id).at("DashboardBody").text()
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			r.want(false, "%s must be JSON: %v", id, err)
			continue
		}
		shown, metrics := map[string]bool{}, 0
		for _, widget := range body.Widgets {
			for _, alarm := range widget.Properties.Alarms {
				shown[alarm] = true
			}
			metrics += len(widget.Properties.Metrics)
		}
		r.want(metrics > 0 && metrics <= maxDashboardMetrics, "%s must show %d metrics at most, shows %d", id, maxDashboardMetrics, metrics)
		for _, alarm := range t.ofType("AWS::CloudWatch::Alarm") {
			if t.Resources[alarm].Condition == t.Resources[id].Condition {
				r.want(shown["${"+alarm+".Arn}"], "%s must show %s", id, alarm)
			}
		}
	}
}
