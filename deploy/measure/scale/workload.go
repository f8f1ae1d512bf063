package main

import (
	"math/rand/v2"
	"time"

	"github.com/presize/presize/worker"
)

// The figures of one upload. Tables and simulation take all figures of presize from this
// file. After new measurements, or a change of serverless.yml, change it here and run
// `go run ./deploy/measure/scale`.

// Set in serverless.yml; a test compares.
const (
	workerMemory  = 3008 // MB
	apiMemory     = 256  // MB
	workerTimeout = 2 * time.Minute
	apiTimeout    = 28 * time.Second
)

// Measured with `make compare` on two x86 cores: a 12-megapixel phone photo, preset photo. The time is that of the README.
// The renderer keeps two processors busy, so half as many take twice as long. The share is the median of ten runs of
// `bench` on a machine with other work, which makes both times longer.
const (
	renderWall  = 580 * time.Millisecond
	renderCores = 2
	readyShare  = 0.6 // of the wall time, until WebP and JPEG are published

	originalBytes = 3_970_480
	variantsBytes = 2_751_134 // all twelve
	viewedBytes   = 67_141    // 640.avif
)

// Counted in the code, for an upload that is new and public; tests count again.
const (
	variants     = 12
	workerPuts   = variants + 2 // and the manifest, ready and complete
	workerGets   = 2            // the manifest that is not there yet, the original in one part
	workerHeads  = 2            // of the original, before and after
	grantHeads   = 1            // of the original, because the client has made the secret
	apiRequests  = 3            // a grant, the status until ready, the status until complete
	removalLists = 2            // of the variants, public and private
	removalGets  = 5            // by the API the original twice and the manifest, by the worker the original twice
	alarmMetrics = 14           // in deploy/template/alarms.yml

	queueRequests = 3 // S3 sends, Lambda receives and deletes

	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
	pauseShare    = 4 // the status is read again after this share of the time waited so far
	newsTime      = 3 * time.Second
)

// emptyReceives are the requests of a month by which Lambda looks into an empty queue: each of
// five pollers asks again after 20 s.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
const emptyReceives = fewestPollers * float64(month/(20*time.Second))

// Estimated or assumed, not measured.
const (
	metrics        = 15 // custom metrics in a busy hour, without those of rejections and problems
	grantDuration  = 5 * time.Millisecond
	answerBytes    = 4000 // of the API, most of it the manifest
	workerLogBytes = 2000 // of one run: presize's line with its metrics, and three of Lambda's
	apiLogBytes    = 2000 // of one request: the same, and the access log

	s3Wait       = 250 * time.Millisecond // time that a job only waits for S3
	coldStart    = 500 * time.Millisecond // of the worker
	apiColdStart = 200 * time.Millisecond
	statusTime   = 10 * time.Millisecond // of the API, for an answer that it need not hold
	putTime      = 2 * time.Second       // of a client, for its file
	patience     = 5 * time.Minute       // of a person who waits for an upload

	views     = 20  // of one photo in its first month, each of 640.avif
	missShare = 0.2 // of the views that CloudFront asks S3 for
)

// The queue, as serverless.yml and deploy/template/trigger.yml have it; a test compares.
const (
	visibility  = 12 * time.Minute
	maxReceives = worker.MaxReceives
)

// retryPause is the pause after so many runs that have failed.
func retryPause(runs int) time.Duration {
	return min(30*time.Second<<(2*min(runs-1, 8)), 15*time.Minute)
}

// Lambda gives one vCPU for each of these,
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
// and up to 3008 MB two processors to spread it over, as https://github.com/rwnx/lambda-cpuinfo found.
const memoryOfCPU = 1769 // MB

// kind is one kind of originals. Its share is assumed. Its cost, relative to the photo above,
// was measured as CPU time.
type kind struct{ share, cost float64 }

var mix = []kind{
	{0.60, 1.0}, // phone photos as JPEG: 12, 24 and 48 megapixels cost about the same, thanks to shrink-on-load
	{0.15, 1.1}, // as HEIC, 12 megapixels
	{0.25, 0.4}, // screenshots, and photos that a messenger has scaled to 2 megapixels
}

// renderTime is the time that a function with that memory needs to render an original of that cost.
func renderTime(memory int, cost float64) time.Duration {
	processors := min(float64(memory)/memoryOfCPU, renderCores)
	return seconds(cost * renderWall.Seconds() * renderCores / processors)
}

// jobTime is the time of the worker for the photo, from event to complete.
func jobTime(memory int) time.Duration { return s3Wait + renderTime(memory, 1) }

// drawJob returns how long one job of the mix takes.
func drawJob(random *rand.Rand, memory int) time.Duration {
	place := random.Float64()
	for _, k := range mix {
		if place -= k.share; place < 0 {
			return s3Wait + renderTime(memory, k.cost*(0.8+0.4*random.Float64()))
		}
	}
	return s3Wait + renderTime(memory, mix[0].cost)
}

// readyAfter is the time from the start of a job until the upload is ready.
func readyAfter(job time.Duration) time.Duration {
	return seconds(readyShare * job.Seconds())
}

// looks is the number of times that the API reads a status which changes after wait.
func looks(wait time.Duration) (count float64) {
	for waited := time.Duration(0); waited < wait; count++ {
		waited += min(max(shortestPause, waited/pauseShare), longestPause)
	}
	return count + 1
}

// seconds returns a duration in whole microseconds. So results are the same on processors
// that round the last bit differently.
func seconds(s float64) time.Duration {
	return time.Duration(s*1e6) * time.Microsecond
}
