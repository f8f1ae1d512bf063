package main

import (
	"fmt"
	"strings"
)

// lever is something that strangers can do as often as they like.
type lever struct {
	what    string
	amount  string
	dollars float64 // an hour of it
	ends    string  // what ends it
}

// levers are what no setting of presize limits, with what an hour of a certain amount costs.
func levers() []lever {
	const hour, rate = 3600, 1000.0
	const gigabit = 1e9 / 8 * hour // bytes
	const requests = rate * hour
	return []lever{
		{"fetch images", "1 Gbit/s", gigabit * listPrice(cloudFrontBytes), "`webAclArn`; a private preset"},
		{"ask again for images that have not changed, and get 304", "1,000 a second", requests * (listPrice(cloudFrontRequests) + listPrice(cloudFrontFunctions)), "`webAclArn`"},
		{"ask for images that do not exist", "1,000 a second", requests * (listPrice(cloudFrontRequests) + listPrice(cloudFrontFunctions) + listPrice(s3Get)), "`webAclArn`"},
		{"send bodies to the API, which it refuses", "1 Gbit/s", gigabit * listPrice(cloudFrontToOrigin), "`webAclArn`"},
		{"send a grant's `PUT` again, which S3 refuses with 412", "1,000 a second", requests * listPrice(s3Put), "`jwtIssuer`, if strangers get no token"},
	}
}

// leversTable is what has no limit, in Markdown.
func leversTable() string {
	var b strings.Builder
	b.WriteString("| strangers can | as an example | an hour costs | it ends with |\n|---|--:|--:|---|\n")
	for _, l := range levers() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", l.what, l.amount, dollars(l.dollars), l.ends)
	}
	return b.String()
}
