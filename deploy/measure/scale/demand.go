package main

import (
	"fmt"
	"strings"
)

// demandTable is the load of a steady rate of uploads on each service, in Markdown.
func demandTable() string {
	job := jobTime(workerMemory).Seconds()
	ready := readyAfter(jobTime(workerMemory))
	statusGets := looks(ready) + looks(jobTime(workerMemory)-ready) // of manifests, and as many of originals
	rows := []struct {
		what string
		each float64 // for one upload a second
	}{
		{"S3 input: PUT/s", 1},
		{"S3 input: GET and HEAD/s", 1 + workerHeads + grantHeads + statusGets},
		{"S3 output: PUT/s", workerPuts},
		{"S3 output: GET/s", 1 + statusGets + views*missShare},
		{"S3 output: partitions needed", max(workerPuts/3500.0, (1+statusGets+views*missShare)/5500.0)},
		{"Lambda: workers at a time", job},
		{"Lambda: API invocations at a time", grantDuration.Seconds() + job},
		{"API Gateway: requests/s", apiRequests},
		{"CloudFront: requests/s", apiRequests + views},
		{"CloudFront: Gbit/s", (views*viewedBytes + apiRequests*answerBytes) * 8 / gb},
		{"uploads into S3: Gbit/s", originalBytes * 8 / gb},
		{"CloudWatch: log GB/day", (workerLogBytes + apiRequests*apiLogBytes) * 86_400 / gb},
	}
	rates := []float64{10, 1000, 10_000}
	var b strings.Builder
	b.WriteString("| uploads a second |")
	for _, rate := range rates {
		fmt.Fprintf(&b, " %s |", count(rate))
	}
	b.WriteString("\n|---|" + strings.Repeat("--:|", len(rates)) + "\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s |", row.what)
		for _, rate := range rates {
			fmt.Fprintf(&b, " %s |", few(row.each*rate))
		}
		b.WriteString("\n")
	}
	b.WriteString("| cost of an hour, stored for a month |")
	for _, rate := range rates {
		fmt.Fprintf(&b, " %s |", dollars(bill("", usage{rate * month.Seconds(), 1}, asBilled)/month.Hours()))
	}
	b.WriteString("\n")
	return b.String()
}

// few writes a number with about two significant digits.
func few(n float64) string {
	if n < 10 {
		return fmt.Sprintf("%.2g", n)
	}
	return count(n)
}

// memoryWorkers is the worker's share of an account's usual 1,000 invocations.
const memoryWorkers = 500

// memoryTable compares memory sizes of the worker, in Markdown. With a slower worker the API
// waits longer, which costs too.
func memoryTable() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| memorySize | vCPU | ready after | complete after | GB-seconds of the worker | of the API | 1,000 photos | photos a second by %d at a time |\n", memoryWorkers)
	b.WriteString("|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, memory := range []int{1024, 1536, memoryOfCPU, 2048, 2560, workerMemory} {
		job := jobTime(memory)
		worker, api := gbSeconds(job, memory), gbSeconds(grantDuration+job, apiMemory)
		fmt.Fprintf(&b, "| %s MB | %.2f | %s | %s | %.2f | %.2f | $%.4f | %.0f |\n", count(float64(memory)), float64(memory)/memoryOfCPU,
			span(readyAfter(job)), span(job), worker, api, 1000*(worker+api)*lambdaSeconds[1].price, memoryWorkers/job.Seconds())
	}
	return b.String()
}
