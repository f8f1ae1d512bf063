package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
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

// putFailure adds an invocation to the failure queue. The file appears under its
// name whole or not at all, also when the machine stops in between.
func (q *Queue) putFailure(i invocation, cause error) (err error) {
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
	if err := os.MkdirAll(q.config.FailureDir, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(q.config.FailureDir, ".new-*")
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
	return os.Rename(file.Name(), filepath.Join(q.config.FailureDir, i.requestID+".json"))
}
