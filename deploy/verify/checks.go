package main

import (
	"fmt"
	"slices"
)

// The logical ids of the deployment: those of deploy/template/*.yml, and those osls makes of the functions' names.
const (
	inputBucket  = "InputBucket"
	outputBucket = "OutputBucket"
	siteBucket   = "SiteBucket"
	logBucket    = "LogBucket"
	apiFunction  = "ApiLambdaFunction"
	worker       = "WorkerLambdaFunction"
	layer        = "LibvipsLambdaLayer"
	workQueue    = "WorkQueue"
	failureQueue = "FailureQueue"
	distribution = "Distribution"
)

// report collects what does not hold.
type report struct{ failures []string }

// want takes down the sentence that says what must hold, if it does not.
func (r *report) want(holds bool, format string, args ...any) {
	if !holds {
		r.failures = append(r.failures, fmt.Sprintf(format, args...))
	}
}

// wantText is [report.want] for a value that must be a certain one.
func (r *report) wantText(got node, want, format string, args ...any) {
	r.want(got.text() == want, "%s must be %q, is %q", fmt.Sprintf(format, args...), want, got.text())
}

// check returns what the template lacks of the deployment's promises, one sentence each, in a fixed order.
func check(t template) []string {
	var r report
	for _, check := range []func(template, *report){
		checkReferences,
		checkBuckets,
		checkUploads,
		checkOriginals,
		checkPublished,
		checkAccessLogs,
		checkFunctions,
		checkAliases,
		checkHTTPAPI,
		checkAccess,
		checkTrigger,
		checkWork,
		checkFailures,
		checkAlarms,
		checkAlarmTopic,
		checkDashboard,
		checkRoles,
		checkDistribution,
		checkHeaders,
		checkPrivate,
		checkEvents,
		checkOriginSecret,
		checkCORS,
		checkOptions,
	} {
		check(t, &r)
	}
	slices.Sort(r.failures)
	return slices.Compact(r.failures)
}
