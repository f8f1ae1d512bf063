// Package operator tells the operator's command where the local stack is, and hands
// it the keys of its account: what the outputs of the CloudFormation stack and the
// operator's own credentials are on AWS.
package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/presize/presize/deploy/template"
)

// Access is what an operator needs of a local stack.
type Access struct {
	S3                  string `json:"s3"`  // the S3 server's endpoint
	SQS                 string `json:"sqs"` // the endpoint of the queues
	Region              string `json:"region"`
	AccessKeyID         string `json:"accessKeyId"`
	SecretAccessKey     string `json:"secretAccessKey"`
	InputBucket         string `json:"inputBucket"`
	OutputBucket        string `json:"outputBucket"`
	WorkQueue           string `json:"workQueue"`           // the URL of the queue of the worker's events
	FailureQueue        string `json:"failureQueue"`        // the URL of its dead-letter queue
	WebhookQueue        string `json:"webhookQueue"`        // the URL of the queue of webhooks
	WebhookFailureQueue string `json:"webhookFailureQueue"` // the URL of its dead-letter queue
	Stack               string `json:"stack"`               // the name that the stack would have on AWS
}

// name is the file's, in the stack's data folder.
const name = "operator.json"

// Write puts the file into the data folder of a stack, whole or not at all. Only the
// user of the stack can read it.
func (a Access) Write(dir string) error {
	document, err := json.MarshalIndent(a, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(dir, ".operator-*") // made for its owner only
	if err != nil {
		return fmt.Errorf("write the operator's access: %w", err)
	}
	_, err = file.Write(document)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), filepath.Join(dir, name))
	}
	if err != nil {
		return fmt.Errorf("write the operator's access: %w", errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// Read returns the access to the stack that keeps its data in a folder.
func Read(dir string) (Access, error) {
	var a Access
	document, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return a, fmt.Errorf("no local stack has run with the data folder %s: start one with `make run`, or set PRESIZE_DATA", dir)
	}
	if err == nil {
		err = json.Unmarshal(document, &a)
	}
	if err != nil {
		return a, fmt.Errorf("read the operator's access: %w", err)
	}
	return a, nil
}

// Statements are what the operator's commands backfill, sweep and status may do with
// the buckets: what they say that they need, and nothing else.
func Statements(input, output string) []template.Statement {
	in, out := "arn:aws:s3:::"+input, "arn:aws:s3:::"+output
	allow := func(sid string, resource []string, action ...string) template.Statement {
		return template.Statement{Sid: sid, Effect: "Allow", Action: action, Resource: resource}
	}
	return []template.Statement{
		allow("Originals", []string{in + "/originals/*"}, "s3:GetObject", "s3:GetObjectTagging"),
		allow("Manifests", []string{out + "/i/*/manifest.json", out + "/p/*/manifest.json"}, "s3:GetObject"),
		allow("Variants", []string{out + "/i/*/*/*", out + "/p/*/*/*"}, "s3:DeleteObject"),
		allow("Lists", []string{in, out}, "s3:ListBucket"),
	}
}
