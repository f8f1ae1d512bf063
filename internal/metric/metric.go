// Package metric makes metrics of log lines.
//
// Whoever logs a line adds metrics to it as attributes, made by [Count], [Bytes] and
// [Milliseconds]. In any log these are plain numbers. In that of [NewLog] the line is
// a document of CloudWatch's embedded metric format as well, so CloudWatch takes the
// numbers out of the log by itself: there is nothing to call, to wait for or to permit.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package metric

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

const (
	namespace = "presize"
	// functionName is the dimension that every metric has.
	functionName = "FunctionName"
)

// value is a metric as the value of an attribute, named like the metric.
type value struct {
	number slog.Value
	unit   string // as CloudWatch has it
	by     string // the name of one more dimension, "" for none
}

// LogValue makes a metric a number for every handler.
func (v value) LogValue() slog.Value { return v.number }

// Count counts one.
func Count(name string) slog.Attr { return slog.Any(name, value{slog.IntValue(1), "Count", ""}) }

// CountBy counts one in all and one by what the attribute named dimension says. The
// line must have that attribute, and it must be a string that takes few values: each
// is a metric of its own, with its own price.
func CountBy(name, dimension string) slog.Attr {
	return slog.Any(name, value{slog.IntValue(1), "Count", dimension})
}

// Bytes is a size.
func Bytes(name string, size int64) slog.Attr {
	return slog.Any(name, value{slog.Int64Value(size), "Bytes", ""})
}

// Milliseconds is a duration, exact to the microsecond.
func Milliseconds(name string, elapsed time.Duration) slog.Attr {
	return slog.Any(name, value{slog.Float64Value(float64(elapsed.Microseconds()) / 1000), "Milliseconds", ""})
}

// NewLog returns the log of a Lambda function, which writes to w, stdout there. Its
// metrics have the dimension FunctionName. The first line of all counts as a ColdStart:
// a process that has just started wrote it.
//
// It makes no metrics of attributes that are in a group or given by [slog.Logger.With].
//
// Lambda takes lines of JSON as they are, and drops those below the function's log
// level, metrics and all: it must not be above INFO. It believes a line's level only
// if the line has its time as a timestamp.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func NewLog(w io.Writer, function string) *slog.Logger {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: lambdacontext.ReplaceAttr})
	return slog.New(&handler{lines, function, new(atomic.Bool)})
}

// handler adds to lines with metrics what tells CloudWatch of them.
type handler struct {
	slog.Handler
	function string
	warm     *atomic.Bool
}

// WithAttrs returns a handler that still does.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.Handler.WithAttrs(attrs), h.function, h.warm}
}

// Handle writes a line.
func (h *handler) Handle(ctx context.Context, line slog.Record) error {
	line = line.Clone()
	if !h.warm.Swap(true) {
		line.AddAttrs(Count("ColdStart"))
	}
	if directives := directives(line); len(directives[0].Metrics) > 0 {
		line.AddAttrs(
			slog.String(functionName, h.function),
			slog.Any("_aws", metadata{line.Time.UnixMilli(), directives}),
		)
	}
	return h.Handler.Handle(ctx, line)
}

// directives describe the metrics of a line: all of them by the function, and then
// those that are counted by something else too.
func directives(line slog.Record) []directive {
	all := []directive{{namespace, [][]string{{functionName}}, nil}}
	line.Attrs(func(attr slog.Attr) bool {
		metric, ok := attr.Value.Any().(value)
		if !ok {
			return true
		}
		reference := definition{attr.Key, metric.unit}
		all[0].Metrics = append(all[0].Metrics, reference)
		if metric.by != "" {
			all = append(all, directive{namespace, [][]string{{functionName, metric.by}}, []definition{reference}})
		}
		return true
	})
	return all
}

// The members of the metadata object, in the specification's words.
type (
	metadata struct {
		Timestamp         int64 // milliseconds since 1970
		CloudWatchMetrics []directive
	}
	directive struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []definition
	}
	definition struct{ Name, Unit string }
)
