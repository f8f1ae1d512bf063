package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"github.com/presize/presize/api"
	"github.com/presize/presize/deploy/local/edge"
	"github.com/presize/presize/deploy/local/queue"
	"github.com/presize/presize/deploy/template"
	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/origin"
	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/signed"
	"github.com/presize/presize/web"
	"github.com/presize/presize/worker"
	"github.com/presize/presize/worker/finished"
	"github.com/presize/presize/worker/renderer"
)

const (
	inputBucket  = "presize-input"
	outputBucket = "presize-output"

	// signingKeyID is what CloudFront would call the public half of the signing key.
	signingKeyID = "KLOCAL"

	// workerTimeout is that of the Lambda function.
	workerTimeout = 2 * time.Minute
	// workerConcurrency keeps a small machine usable: one rendering takes two cores.
	workerConcurrency = 2
	// backoff is shorter than on AWS: a person waits for the result, and on one machine
	// few failures are temporary.
	backoff = time.Second
	// heldAnswers is more than a page of many uploads waits for.
	heldAnswers = 32

	// closeTimeout is how long a stop waits for running jobs.
	closeTimeout = 10 * time.Second
)

// run puts the parts together and serves until ctx ends. It writes one line to stdout
// when the service is ready.
func run(ctx context.Context, settings settings, stdout io.Writer, log *slog.Logger) (err error) {
	data, err := openData(settings.data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.close()) }()

	listener, err := net.Listen("tcp", address(settings.port))
	if err != nil {
		return portError(err, settings.port, "PRESIZE_PORT")
	}
	defer listener.Close() // the server closes it too

	work, err := openWork(data.queues(), log)
	if err != nil {
		return err
	}
	webhooks, err := openWebhooks(settings.backend, data.queues(), log)
	if err != nil {
		return err
	}
	deployment := template.Deployment{
		InputBucket:  inputBucket,
		OutputBucket: outputBucket,
		UploadOrigin: "http://" + address(settings.s3Port),
		Events:       settings.backend.webhookURL != "",

		AllowedOrigins: settings.allowedOrigins,
	}
	storage, err := startS3(ctx, settings, deployment, data.objects(), work)
	if err != nil {
		return portError(err, settings.s3Port, "PRESIZE_S3_PORT")
	}
	defer func() {
		if count := storage.CutOffUploads(); count > 0 {
			log.Warn("uploads cut off, clients can repeat them", "uploads", count)
		}
		err = errors.Join(err, storage.Close())
	}()

	key, err := data.signingKey()
	if err != nil {
		return err
	}
	site, err := newSite(ctx, storage, settings, deployment, key, log)
	if err != nil {
		return err
	}
	queues, handler, err := openOperator(ctx, data, storage, work, webhooks.queue)
	if err != nil {
		return err
	}
	defer queues.Close() // the server closes it too
	images, err := renderer.Start(renderer.Config{
		Path:      settings.renderer,
		Libraries: settings.libraries,
		Processes: workerConcurrency,
		Memory:    settings.limits.Memory,
		Log:       log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, images.Close()) }()
	running, err := startWorker(ctx, work, storage, images, webhooks, settings, log)
	if err != nil {
		return err
	}
	delivering := webhooks.start()
	fmt.Fprintf(stdout, "presize is ready: http://%s\n", address(settings.port))
	serving, serveCtx := errgroup.WithContext(ctx)
	serving.Go(func() error { return serve(serveCtx, listener, site) })
	serving.Go(func() error { return serve(serveCtx, queues, handler) })
	err = serving.Wait()
	log.Info("stopping: waiting for running jobs, press Ctrl-C again to stop at once", "atMost", closeTimeout)

	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := errors.Join(running.Close(closing), delivering.Close(closing)); err != nil {
		log.Warn("invocations cut off, the next start repeats them", "err", err)
	}
	return err
}

// address is on the loopback interface only, because every client that reaches the stack
// may upload.
func address(port int) string { return fmt.Sprintf("localhost:%d", port) }

// portError tells the user what to do about a port that is in use.
func portError(err error, port int, variable string) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d is taken: set %s to another one", port, variable)
	}
	return err
}

// startS3 starts the S3 server with both buckets. Its events go to a queue.
func startS3(ctx context.Context, settings settings, deployment template.Deployment, dir string, work *queue.Queue) (*s3local.Server, error) {
	permissions, err := readPermissions(deployment)
	if err != nil {
		return nil, err
	}
	cors, err := readCORS(deployment, settings)
	if err != nil {
		return nil, err
	}
	return s3local.Start(ctx, s3local.Config{
		Dir:      dir,
		Address:  address(settings.s3Port),
		Accounts: []string{apiAccount, workerAccount, edgeAccount, operatorAccount},
		Buckets: []s3local.Bucket{
			{Name: inputBucket, Statements: permissions.on(inputBucket), CORS: cors},
			{Name: outputBucket, Statements: permissions.on(outputBucket)},
		},
		OnEvent: func(event events.S3Event) {
			if event.Records[0].S3.Bucket.Name != inputBucket { // the only one with a trigger
				return
			}
			if err := work.SendEvent(event); err != nil {
				work.Log.Error("event lost, the next start finds the upload", "err", err)
			}
		},
	})
}

// newSite returns page, API and images as one handler. The key is that of signed URLs.
func newSite(ctx context.Context, storage *s3local.Server, settings settings, deployment template.Deployment, key []byte, log *slog.Logger) (http.Handler, error) {
	distribution, err := deployment.Distribution()
	if err != nil {
		return nil, err
	}
	signer, err := signed.NewSigner("http://"+address(settings.port), signingKeyID, key)
	if err != nil {
		return nil, err
	}
	public, err := signed.PublicKey(key)
	if err != nil {
		return nil, err
	}
	keys, err := edge.ParseKeyGroup(map[string][]byte{signingKeyID: public})
	if err != nil {
		return nil, err
	}
	client := storage.Client(apiAccount)
	gateway, err := newGateway(ctx, settings, api.New(api.Config{
		Input:    bucket.New(client, inputBucket),
		Output:   bucket.New(client, outputBucket),
		Presets:  settings.presets,
		Limits:   settings.limits,
		Signer:   signer,
		SiteURL:  "http://" + address(settings.port),
		GrantTTL: api.DefaultGrantTTL,
		Held:     heldAnswers,
		Log:      log,
	}))
	if err != nil {
		return nil, err
	}
	secret := origin.NewSecret()
	accepted, err := origin.ParseDigests(origin.Digest(secret))
	if err != nil {
		return nil, err
	}
	return edge.New(distribution, map[string]http.Handler{
		"site":   edge.Site(web.FS, distribution.RootObject),
		"output": edge.Objects(bucket.New(storage.Client(edgeAccount), outputBucket), log),
		"api":    origin.Send(secret, accepted.Guard(gateway)),
	}, keys)
}

// startWorker starts the worker. It first queues the uploads that an earlier process has
// left without an event.
func startWorker(ctx context.Context, work *queue.Queue, storage *s3local.Server, images *renderer.Renderer, webhooks webhooks, settings settings, log *slog.Logger) (*queue.Running, error) {
	client := storage.Client(workerAccount)
	input, output := bucket.New(client, inputBucket), bucket.New(client, outputBucket)
	if err := work.Recover(ctx, finished.Uploads{Input: input, Output: output, Presets: settings.presets}); err != nil {
		return nil, err
	}
	mapping := queue.Mapping{Queue: work, Function: workerName, Timeout: workerTimeout, Concurrency: workerConcurrency}
	return mapping.Start(worker.New(worker.Config{
		Input:     input,
		Output:    output,
		Presets:   settings.presets,
		Limits:    settings.limits,
		Renderer:  images,
		Inspector: settings.backend.inspector(),
		Notifier:  webhooks.notifier(),
		Queue:     work,
		Backoff:   backoff,
		Log:       log,
	}).Handle), nil
}

// serve serves until ctx ends, which also ends requests that wait for a status.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		return server.Close() // only clients that do not read their answers are left
	}
	return nil
}
