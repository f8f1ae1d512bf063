package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/presize/presize/internal/media"
)

// Of a deployment that takes uploads from everyone. The rate is the default of
// serverless.yml; a test compares. The concurrency is what AWS gives an account that has
// been in use for a while; a new account has less.
const (
	apiRate     = 200 // requests per second
	concurrency = 1000
)

// openTable is what strangers can make such a deployment cost in an hour, in Markdown. It
// assumes the worst of each part: every request is a grant that is used for the largest
// file, every file becomes a full set of variants, and all functions run all the time. List
// prices, nothing free.
func openTable() string {
	const uploads = apiRate * 3600
	logged := float64(uploads * (workerLogBytes + apiLogBytes))
	stored := float64(uploads) * float64(media.DefaultLimits().Bytes)
	rows := []struct {
		service, what string
		amount        float64
		tiers         []tier
	}{
		{"Lambda", fmt.Sprintf("%s workers for the whole hour", count(concurrency)), concurrency * gbSeconds(time.Hour, workerMemory), lambdaSeconds},
		{"S3, requests", fmt.Sprintf("%s originals, and %d objects published for each", count(uploads), workerPuts), uploads * (1 + workerPuts), s3Put},
		{"API Gateway", count(uploads) + " requests", uploads, apiCalls},
		{"CloudFront", count(uploads) + " requests", uploads, cloudFrontRequests},
		{"CloudWatch", fmt.Sprintf("%.1f GB of logs", logged/gb), logged, logBytes},
	}
	var b strings.Builder
	b.WriteString("| | in one hour, at most | |\n|---|---|--:|\n")
	total := 0.0
	for _, row := range rows {
		total += listPrice(row.tiers) * row.amount
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.service, row.what, dollars(listPrice(row.tiers)*row.amount))
	}
	fmt.Fprintf(&b, "| **total** | | **%s** |\n", dollars(total))
	fmt.Fprintf(&b, "| S3, storage | the %.0f TB of that hour, each month until they are deleted | %s |\n", stored/tb, dollars(listPrice(s3Storage)*stored))
	return b.String()
}
