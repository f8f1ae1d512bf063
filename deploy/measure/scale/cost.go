package main

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const month = 730 * time.Hour

// charge is one item of the bill.
type charge struct {
	service string
	what    string                // the amount that one photo uses; "" if the amount is not proportional
	amount  func(float64) float64 // by the number of photos a month
	tiers   []tier
	unit    float64 // to which the list price refers
	name    string  // of that unit
}

// each returns an amount that is proportional to the number of photos.
func each(amount float64) func(float64) float64 {
	return func(photos float64) float64 { return amount * photos }
}

// charges are all items of the bill for a month of uploads of workload.go's photo.
func charges() []charge {
	job := jobTime(workerMemory)
	answers := grantDuration + job // the API is busy while a client waits for the worker
	// Until the upload is ready, the API reads manifest and original for each look; then only the manifest.
	ready := readyAfter(job)
	gets := workerGets + workerHeads + 2*looks(ready) + looks(job-ready) + views*missShare
	const puts = 1 + workerPuts
	const stored = originalBytes + variantsBytes
	const sent = views*viewedBytes + apiRequests*answerBytes
	const logged = workerLogBytes + apiRequests*apiLogBytes
	byPhoto := func(service, what string, amount float64, tiers []tier, unit float64, name string) charge {
		return charge{service, what, each(amount), tiers, unit, name}
	}
	return []charge{
		byPhoto("Lambda", fmt.Sprintf("%.2f s of %.2f GB and %.2f s of %.2f GB", job.Seconds(), workerMemory/1024.0, answers.Seconds(), apiMemory/1024.0),
			gbSeconds(job, workerMemory)+gbSeconds(answers, apiMemory), lambdaSeconds, million, "million GB-seconds"),
		byPhoto("Lambda", fmt.Sprintf("%d invocations", 1+apiRequests), 1+apiRequests, lambdaRequests, million, "million"),
		byPhoto("S3, requests", fmt.Sprintf("%d PUT", puts), puts, s3Put, million, "million"),
		byPhoto("S3, requests", fmt.Sprintf("%.0f GET and HEAD", gets), gets, s3Get, million, "million"),
		byPhoto("S3, storage", fmt.Sprintf("%.1f MB for a month", stored/1e6), stored, s3Storage, gb, "GB"),
		byPhoto("API Gateway", fmt.Sprintf("%d requests", apiRequests), apiRequests, apiCalls, million, "million"),
		byPhoto("CloudFront", fmt.Sprintf("%.2f MB", sent/1e6), sent, cloudFrontBytes, gb, "GB"),
		byPhoto("CloudFront", fmt.Sprintf("%d requests", views+apiRequests), views+apiRequests, cloudFrontRequests, million, "million"),
		byPhoto("CloudFront", fmt.Sprintf("%d invocations of a function", views), views, cloudFrontFunctions, million, "million"),
		byPhoto("CloudWatch", fmt.Sprintf("%d KB of logs", logged/1000), logged, logBytes, gb, "GB"),
		byPhoto("CloudWatch", "these logs, kept for a month", logged, logStorage, gb, "GB"),
		{"CloudWatch", "", func(photos float64) float64 { return metrics * busyHours(photos) }, customMetrics, 1, "metric"},
	}
}

// gbSeconds is the amount that Lambda charges, for a function with that memory in MB.
func gbSeconds(duration time.Duration, memory int) float64 {
	return duration.Seconds() * float64(memory) / 1024
}

// busyHours is the share of hours with at least one upload, if uploads are a Poisson process.
func busyHours(photos float64) float64 { return 1 - math.Exp(-photos/month.Hours()) }

// bill is the cost of a service for a month with that many photos; "" stands for all services.
func bill(service string, photos float64) (dollars float64) {
	for _, c := range charges() {
		if service == "" || c.service == service {
			dollars += cost(c.amount(photos), c.tiers...)
		}
	}
	return dollars
}

// listPrice is the price of the first tier that is not free.
func listPrice(tiers []tier) float64 {
	for _, t := range tiers {
		if t.price > 0 {
			return t.price
		}
	}
	return 0
}

// costTable is the bill for some numbers of photos a month, in Markdown.
func costTable() string {
	months := []float64{1000, 100_000, 10_000_000}
	var b strings.Builder
	row := func(name string, value func(photos float64) string) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, photos := range months {
			fmt.Fprintf(&b, " %s |", value(photos))
		}
		b.WriteString("\n")
	}
	row("photos per month", count)
	b.WriteString("|---|" + strings.Repeat("--:|", len(months)) + "\n")
	service := ""
	for _, c := range charges() {
		if c.service != service {
			service = c.service
			row(service, func(photos float64) string { return dollars(bill(service, photos)) })
		}
	}
	row("**total**", func(photos float64) string { return "**" + dollars(bill("", photos)) + "**" })
	row("per 1,000 photos", func(photos float64) string { return dollars(bill("", photos) * 1000 / photos) })
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
		fmt.Fprintf(&b, "| %s | %s | %s per %s | %s |\n", c.service, c.what, unitPrice(price*c.unit), c.name, dollars(price*c.amount(million)))
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
