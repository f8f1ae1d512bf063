package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	photoEvents = 2 // image.ready and image.complete
	toldPuts    = 1 // worker/tell.go

	// A webhook is put into its queue, received and deleted. Batches need fewer requests.
	deliveryRequests = 3
	deliveryMemory   = 256 // MB, as in serverless.yml
	deliveryLogBytes = 600 // a line with its metrics
	// How long a receiver takes to answer, and an inspector longer than the encoders: guesses.
	answerTime = 300 * time.Millisecond
)

// https://aws.amazon.com/eventbridge/pricing/, custom events, in steps of 64 KB. Rules, and what
// they send to AWS services of the same account, are free.
var busEvents = []tier{{0, 1.00 / million}}

// eventsTable is what telling and asking the backend adds to one photo, in Markdown, at list
// prices.
func eventsTable() string {
	seconds := answerTime.Seconds()
	rows := []struct {
		setting, service, what string
		amount                 float64
		tiers                  []tier
	}{
		{"`events`", "EventBridge", fmt.Sprintf("%d events", photoEvents), photoEvents, busEvents},
		{"", "S3, requests", fmt.Sprintf("%d PUT", toldPuts), toldPuts, s3Put},
		{"`webhookUrl`, added to that", "SQS", fmt.Sprintf("%d requests at most", photoEvents*deliveryRequests), photoEvents * deliveryRequests, sqsRequests},
		{"", "Lambda", fmt.Sprintf("%d invocations at most", photoEvents), photoEvents, lambdaRequests},
		{"", "Lambda", fmt.Sprintf("%.1f s of %.2f GiB", photoEvents*seconds, deliveryMemory/1024.0), photoEvents * gbSeconds(answerTime, deliveryMemory), lambdaSeconds},
		{"", "CloudWatch", fmt.Sprintf("%.1f KB of logs", photoEvents*deliveryLogBytes/1000.0), photoEvents * deliveryLogBytes, logBytes},
		{"`inspectorArn`", "Lambda", fmt.Sprintf("%.1f s of %.2f GiB of the worker", seconds, workerMemory/1024.0), gbSeconds(answerTime, workerMemory), lambdaSeconds},
	}
	var b strings.Builder
	b.WriteString("| setting | | one photo uses | a million photos |\n|---|---|---|--:|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.setting, row.service, row.what, dollars(listPrice(row.tiers)*row.amount*million))
	}
	return b.String()
}
