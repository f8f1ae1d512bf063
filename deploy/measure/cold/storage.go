package main

import (
	"context"
	"net"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/s3local"
)

const (
	account      = "functions"
	inputBucket  = "presize-input"
	outputBucket = "presize-output"
)

// storage is the S3 server that the functions talk to.
type storage struct{ *s3local.Server }

func startStorage(ctx context.Context, folder string) (storage, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return storage{}, err
	}
	if err := listener.Close(); err != nil { // the server itself can't choose a free port
		return storage{}, err
	}
	server, err := s3local.Start(ctx, s3local.Config{
		Dir:      folder,
		Address:  listener.Addr().String(),
		Accounts: []string{account},
		Buckets:  []s3local.Bucket{open(inputBucket), open(outputBucket)},
	})
	return storage{server}, err
}

// open is a bucket on which the functions have all permissions.
func open(name string) s3local.Bucket {
	arn := "arn:aws:s3:::" + name
	return s3local.Bucket{Name: name, Statements: []s3local.Statement{{
		Sid: "Everything", Effect: "Allow", Principal: account, Action: []string{"s3:*"}, Resource: []string{arn, arn + "/*"},
	}}}
}

// environment has the variables that the functions have on AWS.
func (s storage) environment(ctx context.Context) ([]string, error) {
	credentials, err := s.Client(account).Options().Credentials.Retrieve(ctx)
	return []string{
		"AWS_REGION=" + s3local.Region,
		"AWS_ACCESS_KEY_ID=" + credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + credentials.SecretAccessKey,
		"AWS_ENDPOINT_URL_S3=" + s.URL(),
		"PRESIZE_INPUT_BUCKET=" + inputBucket,
		"PRESIZE_OUTPUT_BUCKET=" + outputBucket,
		"PRESIZE_WORK_QUEUE_URL=" + s.URL() + "/work", // no event here is from a queue
	}, err
}

// grantRequest is the event that API Gateway sends for a client's request for a grant.
func grantRequest() events.APIGatewayV2HTTPRequest {
	request := events.APIGatewayV2HTTPRequest{
		Version:  "2.0",
		RouteKey: "ANY /api/{proxy+}",
		RawPath:  "/api/v1/uploads",
		Headers:  map[string]string{"content-type": "application/json", "host": "example.execute-api.us-east-1.amazonaws.com"},
		Body:     `{"contentType":"image/jpeg","bytes":3970480}`,
	}
	request.RequestContext.RequestID = "JKJaXmPLvHcESHA="
	request.RequestContext.HTTP.Method = "POST"
	request.RequestContext.HTTP.Path = request.RawPath
	request.RequestContext.Time = time.Now().Format(time.RFC3339)
	return request
}

// removal is the event for a removed original.
func removal() events.S3Event {
	return s3local.NewEvent("ObjectRemoved:Delete", inputBucket, media.OriginalKey(media.NewID()), 0, "")
}
