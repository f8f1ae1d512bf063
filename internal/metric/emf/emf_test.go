package emf_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/metric/emf"
)

const sound = `{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"presize","Dimensions":[["Function"]],
	"Metrics":[{"Name":"Taken","Unit":"Count"}]}]},"Function":"api","Taken":1}`

func TestSoundDocumentIsTaken(t *testing.T) {
	got, err := emf.Parse(fmt.Appendf(nil, sound, time.Now().UnixMilli()))
	want := emf.Metric{Namespace: "presize", Name: "Taken", Unit: "Count", Value: 1, Dimensions: "Function=api"}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWhatCloudWatchWouldDropIsAnError(t *testing.T) {
	now := time.Now()
	document := fmt.Sprintf(sound, now.UnixMilli())
	for name, change := range map[string][2]string{
		"prefix":                {`{"_aws"`, `INFO {"_aws"`},
		"no metadata":           {`"_aws"`, `"_AWS_"`},
		"no directives":         {`"CloudWatchMetrics"`, `"Metrics"`},
		"no time":               {`"Timestamp"`, `"Time"`},
		"time as text":          {fmt.Sprint(now.UnixMilli()), `"now"`},
		"time in seconds":       {fmt.Sprint(now.UnixMilli()), fmt.Sprint(now.Unix())},
		"time too far ahead":    {fmt.Sprint(now.UnixMilli()), fmt.Sprint(now.Add(3 * time.Hour).UnixMilli())},
		"no namespace":          {`"Namespace":"presize"`, `"Namespace":""`},
		"AWS's namespace":       {`"Namespace":"presize"`, `"Namespace":"AWS/Lambda"`},
		"no dimension sets":     {`[["Function"]]`, `[]`},
		"dimension not there":   {`"Function":"api"`, `"function":"api"`},
		"dimension not text":    {`"Function":"api"`, `"Function":7`},
		"dimension blank":       {`"Function":"api"`, `"Function":""`},
		"dimension not ASCII":   {`"Function":"api"`, `"Function":"äpi"`},
		"dimension too long":    {`"Function":"api"`, `"Function":"` + strings.Repeat("x", 1025) + `"`},
		"no metrics":            {`[{"Name":"Taken","Unit":"Count"}]`, `[]`},
		"unknown unit":          {`"Unit":"Count"`, `"Unit":"ms"`},
		"metric not there":      {`"Taken":1`, `"taken":1`},
		"metric not a number":   {`"Taken":1`, `"Taken":"1"`},
		"metric in a group":     {`"Taken":1`, `"group":{"Taken":1}`},
		"the same metric twice": {`"Metrics":[`, `"Metrics":[{"Name":"Taken"},`},
		"more than one object":  {`"Taken":1}`, `"Taken":1}{}`},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(document, change[0], change[1], 1)
			if broken == document {
				t.Fatal("nothing changed")
			}
			if got, err := emf.Parse([]byte(broken)); err == nil {
				t.Errorf("taken: %v", got)
			}
		})
	}
}
