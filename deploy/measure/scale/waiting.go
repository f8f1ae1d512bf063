package main

import "time"

// How long a deletion waits for CloudFront (worker/tries.go); a test compares.
const (
	minPostponed     = 30 * time.Second
	maxPostponed     = 15 * time.Minute
	longestPostponed = 24 * time.Hour
)

// Assumed, not measured: AWS promises no time for an invalidation, and mostly takes longer than
// this. A try that CloudFront refuses is two requests, to CloudFront and to SQS.
const (
	shortestInvalidation = 10 * time.Second
	tryTime              = 100 * time.Millisecond
)

// wildcards is how many invalidations with a wildcard can be in progress.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
const wildcards = 15

// invalidationsPerHour is how many of them CloudFront does at most.
const invalidationsPerHour = float64(wildcards * time.Hour / shortestInvalidation)

// removers is how many events of one deletion invalidate: its own, and that of the upload if the worker has not
// finished with it by then.
const removers = 2

// deletions is how many uploads strangers can make and delete in an hour: each takes two requests.
func (o opening) deletions() float64 { return min(o.rate/2, o.deletes) * 3600 }

// removals is how many events invalidate in that hour, or wait to do so.
func (o opening) removals() float64 { return removers * o.deletions() }

// triesOf is how often the worker tries a deletion that waits for CloudFront, until it has that age.
// On average a pause is three quarters of the age, within its bounds.
func triesOf(age time.Duration) (count float64) {
	for at := time.Duration(0); at < age; count++ {
		at += min(max(at, minPostponed), maxPostponed) * 3 / 4
	}
	return count
}

// deletionsService is the name under which deletions are in the table.
const deletionsService = "Deletions"

// invalidated returns the paths that CloudFront invalidates because of the hour's deletions, and
// the tries that it refuses. In that hour a job can invalidate several times, because its upload is
// deleted and sent again, up to what CloudFront does. Then each event that waits invalidates once, within a day.
func (o opening) invalidated() (paths, refused float64) {
	if o.deletions() == 0 {
		return 0, 0
	}
	events := o.removals()
	hours := 1 + longestPostponed.Hours()
	paths = min(invalidationsPerHour+events, hours*invalidationsPerHour)
	mostOfWorkers := float64(o.workers) * longestPostponed.Seconds() / tryTime.Seconds()
	return paths, min(events*triesOf(longestPostponed), mostOfWorkers)
}

// tryPrice is what it costs that the worker receives a deletion, asks CloudFront in vain, and
// sends the event again.
func tryPrice() float64 {
	return queueRequests*listPrice(sqsRequests) + listPrice(lambdaRequests) + gbSeconds(tryTime, workerMemory)*listPrice(lambdaSeconds) +
		workerLogBytes*listPrice(logBytes)
}
