package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

// String tells a status in words.
func (s status) String() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("upload", "%s", s.ID)
	if o := s.Original; o == nil {
		line("original", "gone")
	} else {
		line("original", "%s, declared as %s, preset %s, put %s", size(o.Bytes), o.ContentType, o.Preset, o.Put.UTC().Format(time.DateTime+" MST"))
		line("state", "%s", sentence(s.State))
	}
	s.tellOfManifest(line)
	for _, rev := range slices.Sorted(maps.Keys(s.Others)) {
		line("others", "%s of %s, which the manifest does not name; sweep removes those of old revisions", plural(s.Others[rev], "variant"), rev)
	}
	if o := s.Original; o != nil && o.Expires {
		line("expiry", "the original is tagged %s=true and expires", media.RejectedTag)
	} else if o != nil {
		line("expiry", "the original is not tagged as rejected")
	}
	fmt.Fprint(&b, s.Logs)
	return b.String()
}

// tellOfManifest tells what the manifest says, and whether it is true.
func (s status) tellOfManifest(line func(name, format string, args ...any)) {
	m := s.Manifest
	switch {
	case m == nil && s.Published.IsZero():
		line("manifest", "none")
		return
	case m == nil:
		line("manifest", "can't be read; a backfill repairs it")
		return
	}
	age := "old"
	if s.Current {
		age = "current"
	}
	what := string(m.Status)
	switch {
	case m.Status == media.Ready && m.Complete:
		what = "ready and complete"
	case m.Status == media.Rejected:
		what = fmt.Sprintf("rejected as %s: %s", m.Rejection.Code, m.Rejection.Detail)
	}
	line("manifest", "%s; revision %s, which is %s; put %s", what, m.Rev, age, s.Published.UTC().Format(time.DateTime+" MST"))
	line("variants", "%d of %d that the manifest names are there", len(m.Variants)-len(s.Missing), len(m.Variants))
	for _, key := range s.Missing {
		line("missing", "%s", key)
	}
}

// sentence says what a state means for the operator.
func sentence(state finished.State) string {
	switch state {
	case finished.Missing:
		return "there is no manifest: the worker has yet to finish, or has failed"
	case finished.Replaced:
		return "the manifest is of an earlier original: the worker has yet to finish, or has failed"
	case finished.Unfinished:
		return "not finished: the worker has yet to finish, or has failed"
	case finished.Outdated:
		return "finished under an old revision: a backfill renders it again"
	default:
		return "finished"
	}
}

// logsQuery finds an upload in the logs.
type logsQuery struct {
	Groups  []string `json:"groups,omitempty"` // of CloudWatch
	Query   string   `json:"query,omitempty"`  // of CloudWatch Logs Insights
	Command string   `json:"command"`          // for a shell
}

// logs returns the query for an upload. Both functions log the id with each line.
func (s service) logs(id media.ID) logsQuery {
	if s.data != "" {
		return logsQuery{Command: fmt.Sprintf("grep %s LOG   # the output of make run; failed events are in %s/failures", id, s.data)}
	}
	q := logsQuery{Query: fmt.Sprintf("fields @timestamp, @log, level, msg, outcome, err, @message | filter id = '%s' | sort @timestamp | limit 1000", id)}
	for _, function := range []string{"api", "worker"} {
		q.Groups = append(q.Groups, "/aws/lambda/"+s.name+"-"+function)
	}
	q.Command = fmt.Sprintf(`query=$(aws logs start-query --region %[1]s --log-group-names %[2]s --start-time $(($(date +%%s) - 14*86400)) `+
		`--end-time $(date +%%s) --query-string "%[3]s" --query queryId --output text) && sleep 10 && `+
		`aws logs get-query-results --region %[1]s --query-id "$query"`,
		s.region, strings.Join(q.Groups, " "), q.Query)
	return q
}

func (q logsQuery) String() string {
	if q.Query == "" {
		return "logs       " + q.Command + "\n"
	}
	return fmt.Sprintf("logs       CloudWatch Logs Insights, groups %s:\n\n  %s\n\nor in a shell:\n\n  %s\n",
		strings.Join(q.Groups, " and "), q.Query, q.Command)
}
