// Package metric turns log lines into metrics.
//
// Code that logs a line adds metrics as attributes, made by [Count], [Bytes] and
// [Milliseconds]. In any log these are plain numbers. In a log of [NewLog], each line is
// also a document of CloudWatch's embedded metric format, from which CloudWatch extracts
// the metrics. So metrics need no request, no waiting and no permission.
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

// value is a metric as the value of an attribute. Both have the same name.
type value struct {
	number slog.Value
	unit   string // in CloudWatch's spelling
	by     string // name of an additional dimension, or ""
}

// LogValue makes a metric a plain number for any handler.
func (v value) LogValue() slog.Value { return v.number }

// Count counts one.
func Count(name string) slog.Attr { return slog.Any(name, value{slog.IntValue(1), "Count", ""}) }

// CountBy counts one in total, and one for the value of the attribute named dimension.
// The line must have that attribute. It must be a string with few different values,
// because each value is a separate metric with its own price.
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

// NewLog returns the log of a Lambda function, which writes to w: stdout in Lambda. Its
// metrics have the dimension FunctionName. Its first line counts as a ColdStart, because
// the process has just started.
//
// Attributes in a group, or added by [slog.Logger.With], never become metrics.
//
// Lambda keeps JSON lines unchanged. It drops lines below the function's log level,
// together with their metrics, so that level must not be above INFO. Lambda recognizes a
// line's level only if the line has a field timestamp.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func NewLog(w io.Writer, function string) *slog.Logger {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: lambdacontext.ReplaceAttr})
	return slog.New(&handler{lines, function, new(atomic.Bool)})
}

// handler adds the description of the metrics to lines that have some.
type handler struct {
	slog.Handler
	function string
	warm     *atomic.Bool
}

// WithAttrs returns a handler with attributes that adds the description too.
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

// directives describe the metrics of a line: all metrics with the function as dimension,
// then those with an additional dimension.
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
