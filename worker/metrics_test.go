package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/internal/metric/emf"
)

// taken does a job and returns the metrics that CloudWatch takes out of its one line,
// by name, with those of a second dimension by name and that dimension.
func (h *harness) taken(event json.RawMessage) map[string]float64 {
	h.Helper()
	h.log.Reset()
	_ = h.handle(context.Background(), event) // whether it fails is in the metrics
	if lines := bytes.Count(h.log.Bytes(), []byte("\n")); lines != 1 {
		h.Fatalf("%d lines: %s", lines, h.log)
	}
	if !strings.Contains(h.log.String(), `"_aws"`) {
		return nil
	}
	metrics, err := emf.Parse(h.log.Bytes())
	if err != nil {
		h.Fatalf("%v: %s", err, h.log)
	}
	taken := make(map[string]float64)
	for _, m := range metrics {
		name := m.Name
		if second, ok := strings.CutPrefix(m.Dimensions, "FunctionName=presize-test-worker"); !ok {
			h.Errorf("%s by %s", m.Name, m.Dimensions)
		} else {
			name += second
		}
		if strings.HasSuffix(m.Name, "Time") != (m.Unit == "Milliseconds") || strings.HasPrefix(m.Name, "Bytes") != (m.Unit == "Bytes") {
			h.Errorf("%s in %s", m.Name, m.Unit)
		}
		taken[name] = m.Value
	}
	return taken
}

func TestEveryJobIsMeasuredByWhatItDid(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	h.config.Log = metric.NewLog(h.log, "presize-test-worker")
	id := media.NewID()
	expect := func(name string, got map[string]float64, want ...string) {
		t.Helper()
		if names := slices.Sorted(maps.Keys(got)); !slices.Equal(names, want) {
			t.Errorf("%s: got  %q\nwant %q", name, names, want)
		}
		for _, count := range []string{"Rendered", "Rejected", "Failed", "ColdStart"} {
			if n, ok := got[count]; ok && n != 1 {
				t.Errorf("%s: %s is %v", name, count, n)
			}
		}
	}
	original := drawing(t, 0)
	h.put(id, "image/png", nil, original)
	rendered := h.taken(created(id))
	expect("rendered", rendered, "BytesIn", "BytesOut", "ColdStart", "FetchTime", "ProbeTime", "PublishTime", "ReadyTime", "RenderTime", "Rendered", "TotalTime")
	var size int64
	for _, variant := range h.manifest(id).Variants {
		size += variant.Bytes
	}
	if rendered["BytesIn"] != float64(len(original)) || rendered["BytesOut"] != float64(size) {
		t.Errorf("%v bytes in, %v out; want %d and %d", rendered["BytesIn"], rendered["BytesOut"], len(original), size)
	}
	if steps := rendered["FetchTime"] + rendered["ProbeTime"] + rendered["RenderTime"] + rendered["PublishTime"]; steps > rendered["TotalTime"] ||
		rendered["ReadyTime"] > rendered["TotalTime"] || rendered["ReadyTime"] <= 0 {
		t.Errorf("the times contradict each other: %v", rendered)
	}
	expect("unchanged", h.taken(created(id)))

	h.remove(id)
	expect("removed", h.taken(deleted(id)))

	h.put(id, "image/jpeg", nil, []byte("no image"))
	expect("rejected", h.taken(created(id)), "BytesIn", "FetchTime", "ProbeTime", "PublishTime", "Rejected", "Rejected Code=unsupported-type")

	id = media.NewID()
	h.put(id, "image/png", nil, original)
	h.wire.Restart(func(_ int, request *http.Request, carry faulttest.Carry) (*http.Response, error) {
		if request.Method == http.MethodPut {
			return nil, errors.New("connection reset")
		}
		return carry()
	})
	expect("failed", h.taken(created(id)), "BytesIn", "Failed", "FetchTime", "ProbeTime", "PublishTime", "RenderTime")
	expect("not understood", h.taken(json.RawMessage(`{"hello":"world"}`)), "Failed")
}
