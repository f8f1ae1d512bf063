package metric_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/internal/metric/emf"
)

// newLog returns a log with metrics, and what it writes.
func newLog() (*slog.Logger, *bytes.Buffer) {
	lines := new(bytes.Buffer)
	return metric.NewLog(lines, "presize-test-worker"), lines
}

func TestLineWithMetricsIsADocumentAndStaysALine(t *testing.T) {
	log, lines := newLog()
	before := time.Now().Add(-time.Millisecond)
	log.With("requestId", "r").Info("job done", "id", "x", metric.CountBy("Rejected", "Code"), "Code", "corrupt",
		metric.Bytes("BytesIn", 3970480), metric.Milliseconds("FetchTime", 1234567*time.Nanosecond))
	document := lines.Bytes()
	taken, err := emf.Parse(document)
	if err != nil {
		t.Fatal(err)
	}
	want := []emf.Metric{
		{Namespace: "presize", Name: "Rejected", Unit: "Count", Value: 1, Dimensions: "FunctionName=presize-test-worker"},
		{Namespace: "presize", Name: "BytesIn", Unit: "Bytes", Value: 3970480, Dimensions: "FunctionName=presize-test-worker"},
		{Namespace: "presize", Name: "FetchTime", Unit: "Milliseconds", Value: 1.234, Dimensions: "FunctionName=presize-test-worker"},
		{Namespace: "presize", Name: "ColdStart", Unit: "Count", Value: 1, Dimensions: "FunctionName=presize-test-worker"},
		{Namespace: "presize", Name: "Rejected", Unit: "Count", Value: 1, Dimensions: "FunctionName=presize-test-worker Code=corrupt"},
	}
	if !reflect.DeepEqual(taken, want) {
		t.Errorf("got  %v\nwant %v", taken, want)
	}
	var line struct {
		Timestamp      time.Time
		Level, Message string
		RequestID, ID  string
		AWS            struct{ Timestamp int64 } `json:"_aws"`
	}
	if err := json.Unmarshal(document, &line); err != nil {
		t.Fatal(err)
	}
	if line.Timestamp.Before(before) || line.Level != "INFO" || line.Message != "job done" || line.RequestID != "r" || line.ID != "x" {
		t.Errorf("the line lost something: %s", document)
	}
	if at := time.UnixMilli(line.AWS.Timestamp); at.Before(before) || at.After(time.Now()) {
		t.Errorf("time of the metrics: %v", at)
	}
}

func TestOnlyTheFirstLineOfAProcessIsAColdStart(t *testing.T) {
	log, lines := newLog()
	log.With("requestId", "r").Info("request")
	log.With("requestId", "r").Info("request", metric.Count("Grants"))
	log.Info("request", metric.Count("Grants"))
	first, rest, _ := strings.Cut(lines.String(), "\n")
	if metrics, err := emf.Parse([]byte(first)); err != nil || len(metrics) != 1 || metrics[0].Name != "ColdStart" {
		t.Errorf("first line: %v, %v", metrics, err)
	}
	if strings.Contains(rest, "ColdStart") {
		t.Errorf("another cold start: %s", rest)
	}
}

func TestLineWithoutMetricsIsLeftAlone(t *testing.T) {
	log, lines := newLog()
	log.Info("cold start")
	lines.Reset()
	log.Info("request", "status", 200)
	if strings.Contains(lines.String(), "_aws") || strings.Contains(lines.String(), "FunctionName") {
		t.Errorf("got %s", lines)
	}
}

func TestMetricsAreNumbersInOtherLogs(t *testing.T) {
	var lines bytes.Buffer
	slog.New(slog.NewTextHandler(&lines, nil)).Info("job done", metric.Count("Rendered"), metric.Milliseconds("FetchTime", time.Second))
	if want := "Rendered=1 FetchTime=1000\n"; !strings.HasSuffix(lines.String(), want) {
		t.Errorf("got %s", &lines)
	}
}
