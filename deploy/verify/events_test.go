package main

import "testing"

func TestDefectsOfEventsAreNamed(t *testing.T) {
	testEdits(t, map[string]edit{
		"a bus without the parameter":    {"EventBus must be there with events only", nil, way("EventBus", "Condition")},
		"a queue without the parameter":  {"WebhookQueue must be there with webhooks only", nil, way("WebhookQueue", "Condition")},
		"a function without it":          {"NotifyLambdaFunction must be there with webhooks only", nil, way("NotifyLambdaFunction", "Condition")},
		"another bus":                    {"PRESIZE_EVENT_BUS must be the bus", "default", props("WorkerLambdaFunction", "Environment", "Variables", "PRESIZE_EVENT_BUS")},
		"a rule without a dead end":      {"and what fails to WebhookFailureQueue", nil, props("WebhookRule", "Targets", 0, "DeadLetterConfig")},
		"a rule for some events":         {"WebhookRule must send all events", []any{"image.ready"}, props("WebhookRule", "EventPattern", "detail-type")},
		"a queue that gives up early":    {"must give up after 20 tries", 3, props("WebhookQueue", "RedrivePolicy", "maxReceiveCount")},
		"a queue that forgets":           {"must keep events for half as long", 60, props("WebhookQueue", "MessageRetentionPeriod")},
		"a mapping that drops failures":  {"WebhookMapping must give NotifyLambdaFunction the messages", nil, props("WebhookMapping", "FunctionResponseTypes")},
		"plain HTTP":                     {"WebhookUrl must be https only", "^.*$", []any{"Parameters", "WebhookUrl", "AllowedPattern"}},
		"a queue that anybody may fill":  {"WebhookQueue must take messages of the rule", nil, props("WebhookQueuePolicy", "PolicyDocument", "Statement", 0, "Condition")},
		"a worker that invokes anything": {"lambda:InvokeFunction on ${InspectorArn}", "*", props("WorkerRole", "Policies", 6, "Fn::If", 1, "PolicyDocument", "Statement", 0, "Resource", 0)},
	})
}
