package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// functionARN names the worker in contexts and records, in the shape of AWS.
const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:presize-local-worker"

// failureRecord is what Lambda sends to an on-failure destination.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type failureRecord struct {
	Version         string          `json:"version"`
	Timestamp       time.Time       `json:"timestamp"`
	RequestContext  requestContext  `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext responseContext `json:"responseContext"`
	ResponsePayload responsePayload `json:"responsePayload"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError"`
}

type responsePayload struct {
	ErrorMessage string `json:"errorMessage"`
	ErrorType    string `json:"errorType"`
}

// failures is the failure queue: a directory with one file for each record. It
// knows which objects the records are about, so that those of one can go.
type failures struct {
	dir string
	log *slog.Logger

	mu    sync.Mutex
	files map[string][]string // names of the files, by object
}

// openFailures reads the records of earlier processes, as far as they can be read.
func openFailures(dir string, log *slog.Logger) *failures {
	f := &failures{dir: dir, log: log, files: make(map[string][]string)}
	names, _ := filepath.Glob(filepath.Join(dir, "*.json")) // the pattern is well formed
	for _, name := range names {
		var record failureRecord
		data, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(data, &record)
		}
		if err != nil {
			log.Warn("failure record not read", "file", name, "err", err)
			continue
		}
		f.add(record.RequestPayload, name)
	}
	return f
}

func (f *failures) add(event json.RawMessage, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, object := range objectsOf(event) {
		f.files[object] = append(f.files[object], name)
	}
}

// objects returns the objects that there are records about.
func (f *failures) objects() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Keys(f.files))
}

// forget deletes the records about objects.
func (f *failures) forget(objects ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, object := range objects {
		for _, name := range f.files[object] {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				f.log.Warn("failure record not deleted", "err", err)
			}
		}
		delete(f.files, object)
	}
}

// objectsOf returns the objects that an event of S3 is about, as bucket/key.
func objectsOf(event json.RawMessage) (objects []string) {
	var e events.S3Event
	if json.Unmarshal(event, &e) != nil {
		return nil // not for this queue to judge: the function gets any event
	}
	for _, record := range e.Records {
		objects = append(objects, record.S3.Bucket.Name+"/"+record.S3.Object.URLDecodedKey)
	}
	return objects
}

// put adds an invocation to the failure queue. The file appears under its name
// whole or not at all, also when the machine stops in between.
func (f *failures) put(i invocation, cause error) (err error) {
	record, err := json.MarshalIndent(failureRecord{
		Version:   "1.0",
		Timestamp: time.Now().UTC(),
		RequestContext: requestContext{
			RequestID:              i.requestID,
			FunctionARN:            functionARN + ":$LATEST",
			Condition:              "RetriesExhausted",
			ApproximateInvokeCount: i.attempts,
		},
		RequestPayload: i.event,
		ResponseContext: responseContext{
			StatusCode:      200, // the invocation's, which Lambda accepted; not the function's
			ExecutedVersion: "$LATEST",
			FunctionError:   "Unhandled",
		},
		ResponsePayload: responsePayload{
			ErrorMessage: cause.Error(),
			ErrorType:    fmt.Sprintf("%T", cause),
		},
	}, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(f.dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(record)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	name := filepath.Join(f.dir, i.requestID+".json")
	if err := os.Rename(file.Name(), name); err != nil {
		return err
	}
	f.add(i.event, name)
	return nil
}
