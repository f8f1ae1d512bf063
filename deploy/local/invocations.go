package main

import (
	"context"
	"net"
	"net/http"

	"github.com/presize/presize/deploy/local/invoke"
	"github.com/presize/presize/deploy/local/operator"
	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/internal/s3local"
)

// The names of the stack and of the worker's function, as osls makes them of a stage
// that is called local.
const (
	stackName  = "presize-local"
	workerName = stackName + "-worker"
)

// openInvocations returns the endpoint through which the operator's command invokes
// the worker, and leaves in the data folder what that command needs.
func openInvocations(ctx context.Context, data *data, storage *s3local.Server, queue *queue.Queue) (net.Listener, http.Handler, error) {
	keys, err := storage.Client(operatorAccount).Options().Credentials.Retrieve(ctx)
	if err != nil {
		return nil, nil, err
	}
	listener, err := net.Listen("tcp", address(0)) // any port: the command finds it in the folder
	if err != nil {
		return nil, nil, err
	}
	access := operator.Access{
		S3:              storage.URL(),
		Lambda:          "http://" + listener.Addr().String(),
		Region:          s3local.Region,
		AccessKeyID:     keys.AccessKeyID,
		SecretAccessKey: keys.SecretAccessKey,
		InputBucket:     inputBucket,
		OutputBucket:    outputBucket,
		Stack:           stackName,
	}
	if err := access.Write(data.dir); err != nil {
		listener.Close()
		return nil, nil, err
	}
	return listener, invoke.Handler(invoke.Config{
		Function:    workerName,
		Region:      s3local.Region,
		Credentials: keys,
		Invoke:      queue.Invoke,
	}), nil
}
