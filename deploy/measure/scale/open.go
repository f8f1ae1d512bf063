package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/presize/presize/internal/media"
)

// apiRate is the default of serverless.yml, in requests per second; a test compares.
const apiRate = 200

// deleteRate is the default of serverless.yml, in deletions per second; a test compares.
const deleteRate = 2

// maxImage is the largest body that the API takes, in bytes (api/image.go); a test compares.
const maxImage = 4 << 20

// opening is how far a deployment is open to strangers.
type opening struct {
	name    string
	limit   int     // the account's concurrent invocations
	workers int     // workerConcurrency
	rate    float64 // requests of strangers per second that reach the API, each one a grant
	refused float64 // and those that API Gateway refuses
	bytes   int64   // maxBytes
	deletes float64 // deleteRate
}

// openings are the settings that bound what strangers can cost. The first one is the default, in
// an account that has been in use for a while.
func openings() []opening {
	const limit, newLimit = 1000, 10
	bytes := media.DefaultLimits().Bytes
	byDefault := opening{"the defaults", limit, workersOf(limit), apiRate, 0, bytes, deleteRate}
	change := func(name string, change func(*opening)) opening {
		o := byDefault
		o.name = name
		change(&o)
		return o
	}
	return []opening{
		byDefault,
		change("a new account: 10 invocations at a time", func(o *opening) { o.limit, o.workers = newLimit, workersOf(newLimit) }),
		change("`workerConcurrency=50`", func(o *opening) { o.workers = 50 }),
		change("`maxBytes=10000000`", func(o *opening) { o.bytes = 10e6 }),
		change("`deleteRate=20`", func(o *opening) { o.deletes = 20 }),
		change("`apiRate=20`", func(o *opening) { o.rate = 20 }),
		change("`apiRate=20 workerConcurrency=50 maxBytes=10000000`", func(o *opening) { o.rate, o.workers, o.bytes = 20, 50, 10e6 }),
		change("`webAclArn`, a rule of 1,000 requests in 5 minutes, one address", func(o *opening) { o.rate = 1000.0 / 300 }),
		change("`jwtIssuer`: strangers get 401", func(o *opening) { o.rate, o.refused = 0, apiRate }),
	}
}

// expense is one line of what an hour costs, at list prices.
type expense struct {
	service, what string
	dollars       float64
}

// hour is the most that strangers can make a deployment cost in an hour, but for what has no
// limit ([levers]). It assumes the worst of each part: every request is an upload, every file
// becomes a full set of variants, all functions that can be kept busy run all the time, and
// CloudFront invalidates as much as it can.
func (o opening) hour() []expense {
	uploads := o.rate * 3600
	rendered := min(uploads, float64(o.workers)*3600/s3Wait.Seconds()) // the least time of a job
	answered := uploads + o.refused*3600
	logged := uploads * (workerLogBytes + apiLogBytes)
	calls := math.Ceil(float64(maxImage) / apiCallBytes) // that API Gateway counts for the largest body
	held := min(float64(o.limit-o.workers)*3600, uploads*apiTimeout.Seconds()) / longestPause.Seconds()
	gets := uploads*(workerGets+workerHeads+grantHeads) + 2*held
	paths, tries := o.invalidated()
	perHour := func(service, what string, amount float64, tiers []tier) expense {
		return expense{service, what, listPrice(tiers) * amount}
	}
	busy := 0.0
	if uploads > 0 {
		busy = float64(o.workers)*gbSeconds(time.Hour, workerMemory) + float64(o.limit-o.workers)*gbSeconds(time.Hour, apiMemory)
		// What is let through can't keep more busy: a worker times out after two minutes, and the API after 28 seconds.
		busy = min(busy, uploads*(gbSeconds(workerTimeout, workerMemory)+gbSeconds(apiTimeout, apiMemory)))
	}
	return []expense{
		perHour("Lambda", fmt.Sprintf("%s workers and %s of the API for the whole hour", count(float64(o.workers)), count(float64(o.limit-o.workers))), busy, lambdaSeconds),
		perHour("Lambda", count(2*uploads)+" invocations", 2*uploads, lambdaRequests),
		perHour("S3, requests", fmt.Sprintf("%s originals, and %s objects published", count(uploads), count(rendered*workerPuts)), uploads+rendered*workerPuts, s3Put),
		perHour("S3, requests", fmt.Sprintf("%s GET and HEAD, by the worker and for held answers", count(gets)), gets, s3Get),
		perHour("SQS", count(uploads*queueRequests)+" requests", uploads*queueRequests, sqsRequests),
		perHour("API Gateway", fmt.Sprintf("%s requests with a body of 4 MiB, each counted %.0f times", count(uploads), calls), uploads*calls, apiCalls),
		perHour("CloudFront", count(answered)+" requests", answered, cloudFrontRequests),
		perHour("CloudWatch", fmt.Sprintf("%.1f GB of logs", logged/gb), logged, logBytes),
		perHour(deletionsService, fmt.Sprintf("%s invalidated paths, %d at a time and %.0f s each, in this hour and the day after", count(paths), wildcards, shortestInvalidation.Seconds()), paths, invalidations),
		perHour(deletionsService, fmt.Sprintf("%s LIST, for %s deletions", count(o.removals()*removalLists), count(o.deletions())), o.removals()*removalLists, s3Put),
		perHour(deletionsService, count(o.deletions()*removalGets)+" GET and HEAD", o.deletions()*removalGets, s3Get),
		{deletionsService, fmt.Sprintf("%s tries to invalidate, of what waits in that day", count(tries)), tries * tryPrice()},
	}
}

// cost is the cost of the hour for a service; "" stands for all services.
func (o opening) cost(service string) (dollars float64) {
	for _, e := range o.hour() {
		if service == "" || e.service == service {
			dollars += e.dollars
		}
	}
	return dollars
}

// total returns the cost of the hour, and of a month of what is stored in it.
func (o opening) total() (hour, month float64) {
	return o.cost(""), listPrice(s3Storage) * o.rate * 3600 * float64(o.bytes)
}

// openTable is the hour of an open deployment, in Markdown.
func openTable() string {
	o := openings()[0]
	var b strings.Builder
	b.WriteString("| | of one hour, at most | |\n|---|---|--:|\n")
	for _, e := range o.hour() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", e.service, e.what, dollars(e.dollars))
	}
	hour, month := o.total()
	fmt.Fprintf(&b, "| **total** | | **%s** |\n", dollars(hour))
	fmt.Fprintf(&b, "| S3, storage | the %.0f TB of that hour, each month until they are deleted | %s |\n", o.rate*3600*float64(o.bytes)/tb, dollars(month))
	return b.String()
}

// settingsTable compares the settings, in Markdown.
func settingsTable() string {
	var b strings.Builder
	b.WriteString("| setting | uploads in one hour, at most | that hour costs | of it, deletions | each month of storing the uploads |\n|---|--:|--:|--:|--:|\n")
	for _, o := range openings() {
		hour, month := o.total()
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", o.name, count(o.rate*3600), dollars(hour), dollars(o.cost(deletionsService)), dollars(month))
	}
	return b.String()
}
