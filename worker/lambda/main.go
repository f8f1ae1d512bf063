// Command lambda is the worker as an AWS Lambda function. It reads these variables:
//
//	PRESIZE_INPUT_BUCKET     name of the bucket with the originals; required
//	PRESIZE_OUTPUT_BUCKET    name of the bucket for variants and manifests; required
//	PRESIZE_MAX_BYTES        largest original, in bytes (52428800)
//	PRESIZE_MAX_MEGAPIXELS   most pixels of an image, all frames together, in millions (100)
//	PRESIZE_MAX_FRAMES       most frames of an animation (300)
//	PRESIZE_WORK_QUEUE_URL   the SQS queue that the events come from; required
//	PRESIZE_DISTRIBUTION_ID  CloudFront distribution whose copies are invalidated; none if not set
//	PRESIZE_EVENT_BUS        bus of EventBridge that events are put on; none if not set
//	PRESIZE_INSPECTOR_ARN    Lambda function that is asked before an upload is published; none if not set
//
// Lambda itself sets AWS_LAMBDA_FUNCTION_MEMORY_SIZE, in MiB. Images that would need more memory
// are rejected.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	functions "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/deploy/presets"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/env"
	"github.com/presize/presize/internal/eventbus"
	"github.com/presize/presize/internal/invalidation"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/metric"
	"github.com/presize/presize/internal/workqueue"
	"github.com/presize/presize/worker"
	"github.com/presize/presize/worker/inspection"
	"github.com/presize/presize/worker/renderer"
)

// backoff is before the second try; the third one waits two minutes. It is longer than most
// failures of S3, and short for a person who waits.
const backoff = 30 * time.Second

func main() {
	log := metric.NewLog(os.Stdout, lambdacontext.FunctionName)
	w, err := newWorker(context.Background(), env.New(os.LookupEnv), log)
	if err != nil {
		log.Error("worker not started", "err", err)
		os.Exit(1)
	}
	lambda.Start(w.Handle)
}

// newWorker puts the worker together as the environment says.
func newWorker(ctx context.Context, vars *env.Reader, log *slog.Logger) (*worker.Worker, error) {
	input, output := vars.String("PRESIZE_INPUT_BUCKET"), vars.String("PRESIZE_OUTPUT_BUCKET")
	limits, queue := vars.Limits(), vars.String("PRESIZE_WORK_QUEUE_URL")
	distribution := vars.StringOr("PRESIZE_DISTRIBUTION_ID", "")
	bus, inspector := vars.StringOr("PRESIZE_EVENT_BUS", ""), vars.StringOr("PRESIZE_INSPECTOR_ARN", "")
	if err := vars.Err(); err != nil {
		return nil, err
	}
	// First of all, so that it starts beside everything else.
	images, err := startRenderer(vars.StringOr("LD_LIBRARY_PATH", ""), limits, log)
	if err != nil {
		return nil, err
	}
	shipped, err := presets.Shipped()
	if err != nil {
		return nil, err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	objects := s3.NewFromConfig(account)
	return worker.New(worker.Config{
		Input:       bucket.New(objects, input),
		Output:      bucket.New(objects, output),
		Presets:     shipped,
		Limits:      limits,
		Renderer:    images,
		Invalidator: newInvalidator(account, distribution),
		Inspector:   newInspector(account, inspector),
		Notifier:    newNotifier(account, bus),
		Queue:       workqueue.SQS{Client: sqs.NewFromConfig(account), URL: queue},
		Backoff:     backoff,
		Log:         log,
	}), nil
}

// startRenderer starts the renderer, which is in the function's archive too. It lives as
// long as this process.
func startRenderer(libraries string, limits media.Limits, log *slog.Logger) (*renderer.Renderer, error) {
	path, err := renderer.Beside()
	if err != nil {
		return nil, err
	}
	return renderer.Start(renderer.Config{Path: path, Libraries: libraries, Memory: limits.Memory, Log: log})
}

// newInvalidator returns nil where there is no distribution.
func newInvalidator(account aws.Config, distribution string) worker.Invalidator {
	if distribution == "" {
		return nil
	}
	return invalidation.CloudFront{Client: cloudfront.NewFromConfig(account), ID: distribution}
}

// newInspector returns nil where nobody is to be asked.
func newInspector(account aws.Config, arn string) worker.Inspector {
	if arn == "" {
		return nil
	}
	return inspection.Lambda{Client: functions.NewFromConfig(account), ARN: arn}
}

// newNotifier returns nil where there is no bus.
func newNotifier(account aws.Config, bus string) worker.Notifier {
	if bus == "" {
		return nil
	}
	return eventbus.EventBridge{Client: eventbridge.NewFromConfig(account), Bus: bus}
}
