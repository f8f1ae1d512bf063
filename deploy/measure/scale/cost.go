package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const month = 730 * time.Hour

// usage is what a month's bill is for. The photos of the months before are still stored.
type usage struct {
	photos float64 // uploaded in each month
	month  float64 // since the first, which is 1
}

// charge is one item of the bill.
type charge struct {
	service string
	what    string              // the amount that one photo uses; "" if the amount is not proportional
	amount  func(usage) float64 // of a month
	tiers   []tier
	unit    float64 // to which the list price refers
	name    string  // of that unit
}

// each returns an amount that is proportional to the number of photos of the month.
func each(amount float64) func(usage) float64 {
	return func(u usage) float64 { return amount * u.photos }
}

// stored returns an amount that is proportional to all photos until then.
func stored(amount float64) func(usage) float64 {
	return func(u usage) float64 { return amount * u.photos * u.month }
}

// charges are all items of the bill for a month of uploads of workload.go's photo. A service
// that joins the deployment gets its lines here.
func charges() []charge {
	job := jobTime(workerMemory)
	answers := grantDuration + job // the API is busy while a client waits for the worker
	reads := looks(readyAfter(job)) + looks(job-readyAfter(job))
	gets := workerGets + workerHeads + grantHeads + 2*reads + views*missShare
	const puts = 1 + workerPuts
	const kept = originalBytes + variantsBytes
	const sent = views*viewedBytes + apiRequests*answerBytes
	const logged = workerLogBytes + apiRequests*apiLogBytes
	byPhoto := func(service, what string, amount float64, tiers []tier, unit float64, name string) charge {
		return charge{service, what, each(amount), tiers, unit, name}
	}
	return []charge{
		byPhoto("Lambda", fmt.Sprintf("%.2f s of %.2f GiB and %.2f s of %.2f GiB", job.Seconds(), workerMemory/1024.0, answers.Seconds(), apiMemory/1024.0),
			gbSeconds(job, workerMemory)+gbSeconds(answers, apiMemory), lambdaSeconds, million, "million GiB-seconds"),
		byPhoto("Lambda", fmt.Sprintf("%d invocations", 1+apiRequests), 1+apiRequests, lambdaRequests, million, "million"),
		byPhoto("S3, requests", fmt.Sprintf("%d PUT", puts), puts, s3Put, million, "million"),
		byPhoto("S3, requests", fmt.Sprintf("%.0f GET and HEAD", gets), gets, s3Get, million, "million"),
		{"S3, storage", fmt.Sprintf("%.1f MB for a month", kept/1e6), stored(kept), s3Storage, gib, "GiB"},
		byPhoto("SQS", fmt.Sprintf("%d requests", queueRequests), queueRequests, sqsRequests, million, "million"),
		{"SQS", "", func(usage) float64 { return emptyReceives }, sqsRequests, million, "million"},
		byPhoto("API Gateway", fmt.Sprintf("%d requests", apiRequests), apiRequests, apiCalls, million, "million"),
		byPhoto("CloudFront", fmt.Sprintf("%.2f MB", sent/1e6), sent, cloudFrontBytes, gb, "GB"),
		byPhoto("CloudFront", fmt.Sprintf("%d requests", views+apiRequests), views+apiRequests, cloudFrontRequests, million, "million"),
		byPhoto("CloudFront", fmt.Sprintf("%d invocations of a function", views), views, cloudFrontFunctions, million, "million"),
		byPhoto("CloudWatch", fmt.Sprintf("%d KB of logs", logged/1000), logged, logBytes, gb, "GB"),
		byPhoto("CloudWatch", "these logs, kept for a month", logged, logStorage, gb, "GB"),
		{"CloudWatch", "", func(u usage) float64 { return metrics * busyHours(u.photos) }, customMetrics, 1, "metric"},
		{"CloudWatch", "", func(usage) float64 { return alarmMetrics }, alarms, 1, "metric of an alarm"},
	}
}

// gbSeconds is the amount that Lambda charges, for a function with that memory in MB.
func gbSeconds(duration time.Duration, memory int) float64 {
	return duration.Seconds() * float64(memory) / 1024
}

// busyHours is the share of hours with at least one upload, if uploads are a Poisson process.
func busyHours(photos float64) float64 { return 1 - math.Exp(-photos/month.Hours()) }

// bill is the cost of a service in a month; "" stands for all services.
func bill(service string, of usage, price func([]tier) []tier) (dollars float64) {
	lines := charges()
	for i, c := range lines {
		if service != "" && c.service != service {
			continue
		}
		// What has one price has one free amount too: the lines before have used it.
		before := 0.0
		for _, other := range lines[:i] {
			if &other.tiers[0] == &c.tiers[0] {
				before += other.amount(of)
			}
		}
		tiers := price(c.tiers)
		dollars += cost(before+c.amount(of), tiers...) - cost(before, tiers...)
	}
	return dollars
}

// asBilled are the prices of an account that uses no other services.
func asBilled(tiers []tier) []tier { return tiers }

// nothingFree are the prices of an account whose free amounts are used up by others.
func nothingFree(tiers []tier) []tier {
	return slices.DeleteFunc(slices.Clone(tiers), func(t tier) bool { return t.price == free })
}

// listPrice is the price of the first tier that is not free.
func listPrice(tiers []tier) float64 { return nothingFree(tiers)[0].price }

// costTable is the bill for some numbers of photos a month, in Markdown.
func costTable() string {
	months := []float64{0, 1000, 100_000, 10_000_000}
	var b strings.Builder
	row := func(name string, value func(photos float64) string) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, photos := range months {
			fmt.Fprintf(&b, " %s |", value(photos))
		}
		b.WriteString("\n")
	}
	total := func(name string, month float64, price func([]tier) []tier) {
		row(name, func(photos float64) string { return dollars(bill("", usage{photos, month}, price)) })
	}
	row("photos per month", count)
	b.WriteString("|---|" + strings.Repeat("--:|", len(months)) + "\n")
	service := ""
	for _, c := range charges() {
		if c.service != service {
			service = c.service
			row(service, func(photos float64) string { return dollars(bill(service, usage{photos, 1}, asBilled)) })
		}
	}
	row("**the first month**", func(photos float64) string { return "**" + dollars(bill("", usage{photos, 1}, asBilled)) + "**" })
	total("the 12th month", 12, asBilled)
	total("the 24th month", 24, asBilled)
	total("the first month, nothing free", 1, nothingFree)
	total("the 12th month, nothing free", 12, nothingFree)
	total("the 24th month, nothing free", 24, nothingFree)
	return b.String()
}

// deletionTable is what the deletion of one photo adds, in Markdown, at list prices.
func deletionTable() string {
	rows := []struct {
		service, what string
		amount        float64
		tiers         []tier
	}{
		{"CloudFront", "1 invalidated path", 1, invalidations},
		{"S3, requests", fmt.Sprintf("%d LIST", removalLists), removalLists, s3Put},
		{"S3, requests", fmt.Sprintf("%d GET and HEAD", removalGets), removalGets, s3Get},
		{"SQS", fmt.Sprintf("%d requests", queueRequests), queueRequests, sqsRequests},
		{"API Gateway", "1 request", 1, apiCalls},
		{"Lambda", "2 invocations", 2, lambdaRequests},
	}
	var b strings.Builder
	b.WriteString("| | one deletion uses | a million deletions |\n|---|---|--:|\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", row.service, row.what, dollars(listPrice(row.tiers)*row.amount*million))
	}
	return b.String()
}

// photoTable is the amounts and costs of one photo, without free tiers, in Markdown.
func photoTable() string {
	var b strings.Builder
	b.WriteString("| | one photo uses | list price | a million photos |\n|---|---|---|--:|\n")
	for _, c := range charges() {
		if c.what == "" {
			continue
		}
		price := listPrice(c.tiers)
		fmt.Fprintf(&b, "| %s | %s | %s per %s | %s |\n", c.service, c.what, unitPrice(price*c.unit), c.name, dollars(price*c.amount(usage{million, 1})))
	}
	return b.String()
}

func dollars(d float64) string {
	if d < 100 {
		return fmt.Sprintf("$%.2f", d)
	}
	return "$" + count(d)
}

// unitPrice is rounded to whole cents if that is exact.
func unitPrice(d float64) string {
	if text := fmt.Sprintf("$%.4g", d); len(text) > len("$0.00") {
		return text
	}
	return fmt.Sprintf("$%.2f", d)
}
