package api

import (
	"net/http"
	"slices"
	"testing"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/internal/metric/emf"
)

func TestGrantsAndProblemsAreCounted(t *testing.T) {
	var log logLines
	h := start(t, func(c *Config) {
		log = make(logLines, 100)
		c.Log = metric.NewLog(log, "api")
	})
	// counted returns the metrics of the next request's line.
	counted := func() (names []string) {
		t.Helper()
		metrics, err := emf.Parse([]byte(log.await(`"request"`)))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metrics {
			if m.Value != 1 || m.Unit != "Count" {
				t.Errorf("got %+v", m)
			}
			names = append(names, m.Name+" "+m.Dimensions)
		}
		return names
	}
	expect := func(want ...string) {
		t.Helper()
		if got := counted(); !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	h.askGrant(`{"contentType":"image/png","bytes":1}`)
	expect("Grants FunctionName=api", "ColdStart FunctionName=api")
	h.askGrant(`{"contentType":"image/png","bytes":1}`)
	expect("Grants FunctionName=api")
	h.askGrant(`{`)
	expect("Problems FunctionName=api", "Problems FunctionName=api Problem=malformed-json")
	h.do("GET", media.StatusURL(media.NewID()), nil)
	expect("Problems FunctionName=api", "Problems FunctionName=api Problem=upload-not-found")
	h.instead(s3Error(http.StatusInternalServerError))
	h.do("GET", media.StatusURL(media.NewID()), nil)
	expect("Problems FunctionName=api", "Problems FunctionName=api Problem=internal")
}
