package main

import (
	"math"
	"testing"
)

func TestTiersAddUp(t *testing.T) {
	for _, test := range []struct {
		name   string
		amount float64
		tiers  []tier
		want   float64
	}{
		{"nothing", 0, []tier{{10, 1}, {0, 2}}, 0},
		{"within the first", 4, []tier{{10, 1}, {0, 2}}, 4},
		{"to its end", 10, []tier{{10, 1}, {0, 2}}, 10},
		{"beyond", 25, []tier{{10, 1}, {0, 2}}, 10 + 30},
		{"beyond a free one", 25, []tier{{10, free}, {10, 3}, {0, 2}}, 30 + 10},
		{"the last has no end", 1e9, []tier{{0, 2}}, 2e9},
		{"600 TiB in S3", 600 * tib, s3Storage, 1024 * (50*0.023 + 450*0.022 + 100*0.021)},
		{"a million seconds of a GB", 1e6, lambdaSeconds, 600_000 * 0.0000133334},
		{"12 TB through CloudFront", 12 * tb, cloudFrontBytes, 9_000*0.085 + 2_000*0.080},
		{"15 metrics", 15, customMetrics, 1.50},
	} {
		if got := cost(test.amount, test.tiers...); math.Abs(got-test.want) > 1e-9*test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestAnIdleMonthCostsItsAlarms(t *testing.T) {
	if got := bill("", usage{0, 24}, asBilled); math.Abs(got-0.40) > 1e-9 {
		t.Errorf("a month without photos costs %v", got)
	}
	// Without anything free also ten more alarms, and five pollers that ask three times a minute.
	if got, want := bill("", usage{0, 1}, nothingFree), 1.40+5*3*60*730*0.40/1e6; math.Abs(got-want) > 1e-6 {
		t.Errorf("without anything free it costs %v, want %v", got, want)
	}
}

// By hand, for ten million photos, from what one of them takes.
func TestBillOfTenMillion(t *testing.T) {
	const photos = 10e6
	job := jobTime(workerMemory).Seconds()
	stored := photos * (originalBytes + variantsBytes) / (1 << 30) // GiB of one month
	for name, want := range map[string]float64{
		"Lambda": (photos*(job*workerMemory+(job+0.005)*apiMemory)/1024-400_000)*0.0000133334 +
			(4*photos-1e6)*0.20/1e6,
		"S3, storage": 51_200*0.023 + (stored-51_200)*0.022,
		"SQS":         (3*photos + 657_000 - 1e6) * 0.40 / 1e6,
		"API Gateway": 3 * photos / 1e6,
		"CloudFront": 9_000*0.085 + (photos*(views*viewedBytes+3*answerBytes)/1e9-10_000)*0.080 + ((views+3)*photos-10e6)*0.01/10_000 +
			(views*photos-2e6)*0.10/1e6,
	} {
		if got := bill(name, usage{photos, 1}, asBilled); math.Abs(got-want) > 0.001*want {
			t.Errorf("%s: got $%.2f, want $%.2f", name, got, want)
		}
	}
	want := 51_200*0.023 + 460_800*0.022 + (24*stored-512_000)*0.021
	if got := bill("S3, storage", usage{photos, 24}, asBilled); math.Abs(got-want) > 0.001*want {
		t.Errorf("storage in the 24th month: got $%.2f, want $%.2f", got, want)
	}
}

func TestNothingFreeCostsMore(t *testing.T) {
	for _, photos := range []float64{0, 1000, 1e5, 1e7} {
		if billed, list := bill("", usage{photos, 1}, asBilled), bill("", usage{photos, 1}, nothingFree); list <= billed {
			t.Errorf("%v photos cost $%.2f, and $%.2f with nothing free", photos, billed, list)
		}
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for got, want := range map[string]string{
		count(0): "0", count(999): "999", count(1000): "1,000", count(1234567): "1,234,567",
		few(0.049): "0.049", few(140): "140", dollars(99.994): "$99.99", dollars(4163.7): "$4,164",
		span(1300e6): "1.3 s", span(89e9): "89 s", span(780e9): "13 min", span(86400e9): "24 h",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
