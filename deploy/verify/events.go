package main

import (
	"slices"
	"strings"

	"github.com/presize/presize/worker/notify"
)

// The logical ids of what tells the backend.
const (
	notifyFunction      = "NotifyLambdaFunction"
	eventBus            = "EventBus"
	webhookRule         = "WebhookRule"
	webhookQueue        = "WebhookQueue"
	webhookFailureQueue = "WebhookFailureQueue"
)

// checkEvents checks that the backend is told by parameter only: nothing of it is there otherwise.
func checkEvents(t template, r *report) {
	for id, resource := range t.Resources {
		switch {
		case id == eventBus:
			r.want(resource.Condition == "HasEvents", "%s must be there with events only", id)
		case strings.HasPrefix(id, "Webhook"), strings.HasPrefix(id, "Notify"):
			r.want(resource.Condition == "HasWebhook", "%s must be there with webhooks only", id)
		default:
			r.want(!strings.HasPrefix(resource.Type, "AWS::Events::"), "%s must be there by parameter", id)
		}
	}
	on := t.Conditions["HasEvents"].at("Fn::Or").items()
	r.want(len(on) == 2 && slices.Contains(references(on[0].value), "Events") && on[1].at("Condition").text() == "HasWebhook",
		"HasEvents must hold for webhooks too, which come from the bus")
	bus, _ := variableOf(t, worker, "PRESIZE_EVENT_BUS").at("Fn::If").value.([]any)
	r.want(len(bus) == 3 && bus[0] == "HasEvents" && node{bus[1]}.text() == "${EventBus}" && bus[2] == "", "%s: PRESIZE_EVENT_BUS must be the bus, or nothing", worker)
	r.wantText(variableOf(t, worker, "PRESIZE_INSPECTOR_ARN"), "${InspectorArn}", "%s: PRESIZE_INSPECTOR_ARN", worker)

	policies := t.props(t.props(worker).at("Role").refers()).at("Policies").list()
	for condition, want := range map[string]permission{
		"HasEvents":    {"events:PutEvents", "${EventBus.Arn}"},
		"HasInspector": {"lambda:InvokeFunction", "${InspectorArn}"},
	} {
		r.want(slices.ContainsFunc(policies, func(policy node) bool {
			statements := policy.only(condition).at("PolicyDocument", "Statement").items()
			return len(statements) == 1 && slices.Equal(statements[0].at("Action").texts(), []string{want.action}) &&
				slices.Equal(statements[0].at("Resource").texts(), []string{want.resource})
		}), "%s must be allowed %s on %s, by parameter", worker, want.action, want.resource)
	}
	checkWebhooks(t, r)
}

// checkWebhooks checks that every event on the bus is delivered, or kept in a queue with an alarm.
func checkWebhooks(t template, r *report) {
	rule := t.props(webhookRule)
	r.wantText(rule.at("EventBusName"), "${EventBus}", "%s: bus", webhookRule)
	r.want(slices.Equal(rule.at("EventPattern", "source").texts(), []string{"presize"}) && len(rule.at("EventPattern").keys()) == 1, "%s must send all events", webhookRule)
	targets := rule.at("Targets").items()
	r.want(len(targets) == 1 && targets[0].at("Arn").text() == "${WebhookQueue.Arn}" && targets[0].at("DeadLetterConfig", "Arn").text() == "${WebhookFailureQueue.Arn}",
		"%s must send to %s, and what fails to %s", webhookRule, webhookQueue, webhookFailureQueue)

	for _, id := range []string{webhookQueue, webhookFailureQueue} {
		r.wantText(t.props(id).at("SqsManagedSseEnabled"), "true", "%s: encryption", id)
		statements := t.props(id+"Policy").at("PolicyDocument", "Statement").items()
		r.want(slices.Equal(t.props(id+"Policy").at("Queues").texts(), []string{"${" + id + "}"}) && slices.ContainsFunc(statements, isTLSOnly), "%s must refuse plain HTTP", id)
		r.want(slices.ContainsFunc(statements, func(s node) bool {
			return s.at("Effect").text() == "Allow" && s.at("Principal", "Service").text() == "events.amazonaws.com" && s.at("Action").text() == "sqs:SendMessage" &&
				s.at("Condition", "ArnEquals", "aws:SourceArn").text() == "${WebhookRule.Arn}"
		}), "%s must take messages of the rule", id)
	}
	for _, id := range []string{"WebhookFailureAlarm", "WebhookRuleAlarm"} {
		r.want(strings.Contains(t.props(id).at("AlarmDescription").text(), redriveCommand+" --webhooks --stage "), "%s must name the command that redrives, with its region", id)
	}
	redrive := t.props(webhookQueue).at("RedrivePolicy")
	r.want(redrive.at("deadLetterTargetArn").text() == "${WebhookFailureQueue.Arn}" && number(redrive.at("maxReceiveCount")) == notify.Tries,
		"%s must give up after %d tries", webhookQueue, notify.Tries)
	// The age of a message counts on in the queue of failures.
	r.want(retention(t, webhookFailureQueue) == longestRetention && retention(t, webhookQueue) == longestRetention/2,
		"%s must keep events for half as long as %s, which keeps them as long as SQS can", webhookQueue, webhookFailureQueue)
	timeout := number(t.props(notifyFunction).at("Timeout"))
	r.want(timeout > 10 && number(t.props(webhookQueue).at("VisibilityTimeout")) == 6*timeout, "%s must hide messages for six times the timeout of %s", webhookQueue, notifyFunction)

	mapping := t.props("WebhookMapping")
	r.want(mapping.at("EventSourceArn").text() == "${WebhookQueue.Arn}" && mapping.at("FunctionName").text() == aliasOf(notifyFunction) &&
		slices.Equal(mapping.at("FunctionResponseTypes").texts(), []string{"ReportBatchItemFailures"}) &&
		number(mapping.at("ScalingConfig", "MaximumConcurrency")) == 2, "WebhookMapping must give %s the messages, at most two batches at once", notifyFunction)

	for variable, want := range map[string]string{"PRESIZE_WEBHOOK_URL": "${WebhookUrl}", "PRESIZE_WEBHOOK_QUEUE": "${WebhookQueue}"} {
		r.wantText(variableOf(t, notifyFunction, variable), want, "%s: %s", notifyFunction, variable)
	}
	r.want(t.props(notifyFunction).at("Layers").value == nil, "%s must need no layer", notifyFunction)
	pattern := t.Parameters["WebhookUrl"].at("AllowedPattern").text()
	r.want(strings.HasPrefix(pattern, "^(https://"), "WebhookUrl must be https only")
	secret := variableOf(t, notifyFunction, "PRESIZE_WEBHOOK_SECRET").text()
	want := permission{"ssm:GetParameter", "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter" + secret}
	granted := permissions(t, r, t.props(notifyFunction).at("Role").refers())
	r.want(strings.HasPrefix(secret, "/") && slices.Contains(granted, want), "%s must read the secret, and only that", notifyFunction)
}
