package main

// tier is a price for an amount, counted from the end of the previous tier.
type tier struct{ amount, price float64 }

// cost is the cost of an amount in dollars.
func cost(amount float64, tiers ...tier) (dollars float64) {
	for i, t := range tiers {
		part := amount
		if i < len(tiers)-1 {
			part = min(part, t.amount)
		}
		dollars += part * t.price
		amount -= part
	}
	return dollars
}

// List prices in us-east-1 in dollars, without taxes, as of November 2026. AWS publishes each
// on the page that is named. CloudFront's tiers, and the free amounts of API Gateway and
// CloudWatch, were read there. The rates of Lambda, HTTP APIs and CloudWatch come from other
// pages that quote AWS. S3's tiers above 50 TB and the compression of logs are unconfirmed.
// Check the prices before you plan with them.
//
// S3 bills a GB of 2^30 bytes, and Lambda one of memory; of the other services AWS does not say
// it, and 10^9 is on the safe side. Monthly free amounts without an end date count; those of the
// first months do not.
const (
	apiCallBytes = 512_000

	million = 1e6
	gb      = 1e9
	tb      = 1e12
	gib     = 1 << 30
	tib     = 1 << 40
	free    = 0.0
)

var (
	// https://aws.amazon.com/lambda/pricing/, arm64; the next tier begins at 7.5 billion.
	lambdaSeconds  = []tier{{400_000, free}, {0, 0.0000133334}} // GB-seconds
	lambdaRequests = []tier{{million, free}, {0, 0.20 / million}}

	// https://aws.amazon.com/s3/pricing/, S3 Standard. DELETE, data that comes in, and data that
	// Lambda or CloudFront fetch are free.
	s3Storage = []tier{{50 * tib, 0.023 / gib}, {450 * tib, 0.022 / gib}, {0, 0.021 / gib}} // byte-months
	s3Put     = []tier{{0, 0.005 / 1000}}                                                   // LIST as well
	s3Get     = []tier{{0, 0.0004 / 1000}}                                                  // HEAD as well

	// https://aws.amazon.com/sqs/pricing/, standard queues.
	sqsRequests = []tier{{million, free}, {0, 0.40 / million}}

	// https://aws.amazon.com/api-gateway/pricing/, HTTP API, in steps of apiCallBytes.
	apiCalls = []tier{{300 * million, 1.00 / million}, {0, 0.90 / million}}

	// https://aws.amazon.com/cloudfront/pricing/, pay as you go, North America and Europe.
	cloudFrontBytes     = []tier{{tb, free}, {9 * tb, 0.085 / gb}, {40 * tb, 0.080 / gb}, {100 * tb, 0.060 / gb}, {350 * tb, 0.040 / gb}, {0, 0.030 / gb}}
	cloudFrontToOrigin  = []tier{{0, 0.020 / gb}}                            // bodies of requests
	cloudFrontRequests  = []tier{{10 * million, free}, {0, 0.0100 / 10_000}} // HTTPS
	cloudFrontFunctions = []tier{{2 * million, free}, {0, 0.10 / million}}
	invalidations       = []tier{{1000, free}, {0, 0.005}} // paths; one with a wildcard is one

	// https://aws.amazon.com/cloudwatch/pricing/. Three dashboards are free.
	logBytes      = []tier{{5 * gb, free}, {10 * tb, 0.50 / gb}, {20 * tb, 0.25 / gb}, {20 * tb, 0.10 / gb}, {0, 0.05 / gb}}
	logStorage    = []tier{{0, 0.03 * 0.15 / gb}} // compressed to about 15 %
	customMetrics = []tier{{10, free}, {0, 0.30}} // a metric-month, by the hours in which there are data
	alarms        = []tier{{10, free}, {0, 0.10}} // a metric that an alarm watches, for a month
)
