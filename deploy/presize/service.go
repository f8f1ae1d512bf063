package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3event"
	"github.com/presize/presize/worker/finished"
)

// service is a presize whose uploads are looked after: a deployed one, or the one on
// this machine.
type service struct {
	finished.Uploads
	stack           stack.Stack // the zero value on this machine
	sqs             *sqs.Client
	work            string // the URL of the queue of the worker's events
	failures        string // the URL of its dead-letter queue
	webhooks        string // the URL of the queue of webhooks; "" if none are sent
	webhookFailures string // the URL of its dead-letter queue
	name            string // of the stack
	region          string
	data            string // the local stack's data folder; "" on AWS
}

// open returns the service that the flags name.
func (c *call) open(ctx context.Context) (service, error) {
	presets, err := c.presets()
	if err != nil {
		return service{}, err
	}
	if c.local {
		return c.openLocal(presets)
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return service{}, err
	}
	s := service{name: stack.Name(c.stage), region: account.Region, sqs: sqs.NewFromConfig(account)}
	s.stack = stack.Stack{Client: cloudformation.NewFromConfig(account), Name: s.name}
	outputs, err := s.stack.Outputs(ctx)
	if err != nil {
		return service{}, err
	}
	input, output := outputs["InputBucketName"], outputs["OutputBucketName"]
	if input == "" || output == "" {
		return service{}, fmt.Errorf("the stack %s has no outputs InputBucketName and OutputBucketName", s.name)
	}
	s.work, s.failures = outputs["WorkQueueUrl"], outputs["FailureQueueUrl"]
	if s.work == "" || s.failures == "" {
		return service{}, fmt.Errorf("the stack %s has no outputs WorkQueueUrl and FailureQueueUrl: deploy it again", s.name)
	}
	s.webhooks, s.webhookFailures = outputs["WebhookQueueUrl"], outputs["WebhookFailureQueueUrl"]
	objects := s3.NewFromConfig(account)
	s.Uploads = finished.Uploads{Input: bucket.New(objects, input), Output: bucket.New(objects, output), Presets: presets}
	return s, nil
}

func (c *call) openLocal(presets media.Presets) (service, error) {
	data, _ := c.lookup("PRESIZE_DATA")
	data = cmp.Or(data, ".data")
	access, err := operator.Read(data)
	if err != nil {
		return service{}, err
	}
	keys := credentials.NewStaticCredentialsProvider(access.AccessKeyID, access.SecretAccessKey, "")
	objects := s3.New(s3.Options{Region: access.Region, BaseEndpoint: aws.String(access.S3), UsePathStyle: true, Credentials: keys})
	return service{
		Uploads: finished.Uploads{
			Input:   bucket.New(objects, access.InputBucket),
			Output:  bucket.New(objects, access.OutputBucket),
			Presets: presets,
		},
		sqs:             sqs.New(sqs.Options{Region: access.Region, BaseEndpoint: aws.String(access.SQS), Credentials: keys}),
		work:            access.WorkQueue,
		failures:        access.FailureQueue,
		webhooks:        access.WebhookQueue,
		webhookFailures: access.WebhookFailureQueue,
		name:            access.Stack,
		region:          access.Region,
		data:            data,
	}, nil
}

// queueEvent sends an event of S3 about an original to the worker's queue.
func (s service) queueEvent(ctx context.Context, name string, original bucket.Info) error {
	event, err := json.Marshal(s3event.New(name, s.region, s.Input.Name(), original.Key, original.Size, original.ETag))
	if err != nil {
		return err
	}
	_, err = s.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &s.work, MessageBody: aws.String(string(event))})
	return err
}

// explain says what an operator can do if the local stack does not answer.
func (s service) explain(err error) error {
	if s.data != "" && errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("the local stack does not answer: start it with `make run` (%w)", err)
	}
	return err
}
