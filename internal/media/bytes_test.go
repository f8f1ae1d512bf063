package media_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/presize/presize/internal/media"
)

// The table is the page's own, in words.test.js.
func TestSizesForPeopleAreThoseOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../web/words.test.js")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`\[([\d_]+), '([\d.]+ (?:bytes?|kB|MB|GB))'\]`).FindAllStringSubmatch(string(page), -1)
	if len(rows) < 9 {
		t.Fatalf("words.test.js has %d sizes", len(rows))
	}
	for _, row := range rows {
		size, err := strconv.ParseInt(strings.ReplaceAll(row[1], "_", ""), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := media.Bytes(size); got != row[2] {
			t.Errorf("%d: %s, the page says %s", size, got, row[2])
		}
	}
}

func TestSizeBeyondALimitLooksBeyondIt(t *testing.T) {
	for _, test := range []struct {
		size, limit int64
		beyond, at  string
	}{
		{60_000_000, 50_000_000, "60 MB", "50 MB"},
		{60_000_000, 50 << 20, "60 MB", "52.4 MB"},
		{50<<20 + 1, 50 << 20, "52.428801 MB", "52.4288 MB"},
		{50_000_001, 50_000_000, "50.000001 MB", "50 MB"},
		{50_004_000, 50_000_000, "50.004 MB", "50 MB"},
		{1_000_000, 999_999, "1 MB", "999.999 kB"},
		{1_000, 999, "1 kB", "999 bytes"},
		{2, 1, "2 bytes", "1 byte"},
		{1, 0, "1 byte", "0 bytes"},
		{6 << 30, 5 << 30, "6.44 GB", "5.37 GB"},
		{math.MaxInt64, math.MaxInt64 - 1, "9223372036.854775807 GB", "9223372036.854775806 GB"},
	} {
		if beyond, at := media.BytesBeyond(test.size, test.limit); beyond != test.beyond || at != test.at {
			t.Errorf("%d beyond %d: %s and %s, want %s and %s", test.size, test.limit, beyond, at, test.beyond, test.at)
		}
	}
}
