// Package emf parses documents of CloudWatch's embedded metric format, for tests. It is as
// strict as CloudWatch, but reports errors, where CloudWatch silently drops the document.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package emf

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The specification's limits. Lengths are in characters, names are ASCII here.
const (
	maxDocument   = 1 << 20 // bytes
	maxName       = 1024    // of a namespace, a metric, a dimension's value
	maxDimension  = 250     // of a dimension's name
	maxDimensions = 30      // in a set
	maxMetrics    = 100     // in a directive
	// The metrics of a document may be this old, and this far in the future.
	maxAge   = 14 * 24 * time.Hour
	maxAhead = 2 * time.Hour
)

// Metric is one metric of a document, for one set of dimensions.
type Metric struct {
	Namespace, Name, Unit string
	Value                 float64
	Dimensions            string // name=value, in the order of the set, with a space between
}

// Parse returns the metrics of a document, or all of its errors.
func Parse(document []byte) ([]Metric, error) {
	var root map[string]any
	if err := json.Unmarshal(document, &root); err != nil {
		return nil, fmt.Errorf("want one JSON object: %w", err)
	}
	var envelope struct {
		AWS *struct {
			Timestamp         *int64
			CloudWatchMetrics []directive
		} `json:"_aws"`
	}
	if err := json.Unmarshal(document, &envelope); err != nil {
		return nil, err
	}
	if envelope.AWS == nil || envelope.AWS.Timestamp == nil || len(envelope.AWS.CloudWatchMetrics) == 0 {
		return nil, errors.New("_aws: want Timestamp and CloudWatchMetrics")
	}
	p := parser{root: root}
	p.check(len(document) <= maxDocument, "%d bytes", len(document))
	age := time.Since(time.UnixMilli(*envelope.AWS.Timestamp))
	p.check(age <= maxAge && age >= -maxAhead, "Timestamp is %v old", age)
	for _, directive := range envelope.AWS.CloudWatchMetrics {
		p.directive(directive)
	}
	return p.metrics, errors.Join(p.problems...)
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct {
		Name, Unit        string
		StorageResolution *int
	}
}

type parser struct {
	root     map[string]any
	metrics  []Metric
	problems []error
}

func (p *parser) check(ok bool, format string, args ...any) {
	if !ok {
		p.problems = append(p.problems, fmt.Errorf(format, args...))
	}
}

func (p *parser) directive(d directive) {
	p.check(isName(d.Namespace, maxName) && !strings.HasPrefix(d.Namespace, "AWS/"), "Namespace %q", d.Namespace)
	p.check(len(d.Dimensions) > 0, "no set of dimensions")
	p.check(len(d.Metrics) > 0 && len(d.Metrics) <= maxMetrics, "%d metrics", len(d.Metrics))
	for _, set := range d.Dimensions {
		dimensions := p.dimensions(set)
		for _, metric := range d.Metrics {
			p.check(isName(metric.Name, maxName), "metric %q", metric.Name)
			p.check(metric.Unit == "" || slices.Contains(units(), metric.Unit), "metric %s: unit %q", metric.Name, metric.Unit)
			p.check(metric.StorageResolution == nil || *metric.StorageResolution == 1 || *metric.StorageResolution == 60,
				"metric %s: resolution", metric.Name)
			number, ok := p.root[metric.Name].(float64)
			p.check(ok && math.Abs(number) < math.Ldexp(1, 360), "metric %s: value %v", metric.Name, p.root[metric.Name])
			taken := Metric{d.Namespace, metric.Name, metric.Unit, number, dimensions}
			p.check(!slices.ContainsFunc(p.metrics, func(m Metric) bool { return m.Name == taken.Name && m.Dimensions == taken.Dimensions }),
				"metric %s: twice by %s", metric.Name, dimensions)
			p.metrics = append(p.metrics, taken)
		}
	}
}

// dimensions returns a set of dimensions with their values.
func (p *parser) dimensions(set []string) string {
	p.check(len(set) <= maxDimensions, "%d dimensions", len(set))
	var all []string
	for _, name := range set {
		text, ok := p.root[name].(string)
		p.check(isName(name, maxDimension) && !strings.HasPrefix(name, ":"), "dimension %q", name)
		p.check(ok && isName(text, maxName), "dimension %s: value %v", name, p.root[name])
		all = append(all, name+"="+text)
	}
	return strings.Join(all, " ")
}

// isName reports whether CloudWatch accepts a name: printable ASCII, not blank.
func isName(name string, most int) bool {
	control := func(r rune) bool { return r < ' ' || r > '~' }
	return len(name) <= most && strings.TrimSpace(name) != "" && !strings.ContainsFunc(name, control)
}

// units are those of a MetricDatum.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html
func units() []string {
	all := []string{"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "None", "Count/Second"}
	for _, base := range []string{"Bytes", "Bits"} {
		for _, prefix := range []string{"", "Kilo", "Mega", "Giga", "Tera"} {
			unit := base
			if prefix != "" {
				unit = prefix + strings.ToLower(base)
			}
			all = append(all, unit, unit+"/Second")
		}
	}
	return all
}
