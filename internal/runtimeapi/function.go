// Package runtimeapi runs a function's bootstrap as Lambda does: it sets Lambda's environment, and serves the Runtime API
// from which the bootstrap gets its events.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Config says what runs.
type Config struct {
	Name    string
	Command []string // the bootstrap, with an emulator before it if needed
	Root    string   // folder with the function's unpacked archive
	Layer   string   // folder with the layer's unpacked archive; "" for none
	Env     []string // name=value, in addition to Lambda's own variables
	Log     io.Writer
}

// Function is a running bootstrap. It takes one event at a time.
type Function struct {
	name    string
	server  *http.Server
	process *exec.Cmd
	started time.Time

	asked   chan time.Time // when the bootstrap first asked for an event
	events  chan []byte
	results chan result
	exited  chan struct{} // closed at the end of the process
}

type result struct {
	at   time.Time
	kind string // the last part of the path that the bootstrap posted to: response or error
	body []byte
}

// Start starts a bootstrap.
func Start(config Config) (*Function, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Function{
		name:    config.Name,
		process: exec.Command(config.Command[0], config.Command[1:]...),
		asked:   make(chan time.Time, 1),
		events:  make(chan []byte),
		results: make(chan result, 1),
		exited:  make(chan struct{}),
	}
	f.server = &http.Server{Handler: f.routes(), ReadHeaderTimeout: time.Minute}
	go f.server.Serve(listener) // returns when closed; if it fails earlier, the bootstrap fails too
	f.process.Dir = config.Root
	f.process.Stdout, f.process.Stderr = config.Log, config.Log
	f.process.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + config.Name,
		"LAMBDA_TASK_ROOT=" + config.Root,
		"LD_LIBRARY_PATH=" + config.Layer + "/lib",
		"_HANDLER=bootstrap",
		"TZ=:UTC",
	}, config.Env...)
	f.started = time.Now()
	if err := f.process.Start(); err != nil {
		return nil, errors.Join(err, f.server.Close())
	}
	go func() {
		_ = f.process.Wait() // the process's state has the result
		close(f.exited)
	}()
	return f, nil
}

func (f *Function) routes() http.Handler {
	const invocation = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+invocation+"next", f.next)
	mux.HandleFunc("POST "+invocation+"{id}/{kind}", f.take)
	mux.HandleFunc("POST /2018-06-01/runtime/init/{kind}", f.take)
	return mux
}

// next answers the bootstrap's request for its next event, once there is one.
func (f *Function) next(w http.ResponseWriter, r *http.Request) {
	select {
	case f.asked <- time.Now():
	default: // only the first request counts
	}
	select {
	case event := <-f.events:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(2*time.Minute).UnixMilli()))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:"+f.name)
		w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
		_, _ = w.Write(event)
	case <-r.Context().Done():
	}
}

// take receives the bootstrap's response or error for its event.
func (f *Function) take(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	select {
	case f.results <- result{at: at, kind: r.PathValue("kind"), body: body}:
	case <-r.Context().Done(): // no caller waits for it
	}
}

// Init waits until the bootstrap asks for its first event, and returns the time since its start.
func (f *Function) Init(ctx context.Context) (time.Duration, error) {
	select {
	case at := <-f.asked:
		f.asked <- at
		return at.Sub(f.started), nil
	case r := <-f.results:
		return 0, fmt.Errorf("%s: before any event: %s: %s", f.name, r.kind, r.body)
	case <-f.exited:
		return 0, fmt.Errorf("%s ended before any event: %v", f.name, f.process.ProcessState)
	case <-ctx.Done():
		return 0, fmt.Errorf("%s does not ask for an event: %w", f.name, ctx.Err())
	}
}

// Response is a function's answer to an event.
type Response struct {
	Body  []byte
	After time.Duration // since the start of the process
}

// Invoke gives the function an event, as JSON, and returns its response.
func (f *Function) Invoke(ctx context.Context, event any) (Response, error) {
	document, err := json.Marshal(event)
	if err != nil {
		return Response{}, err
	}
	if _, err := f.Init(ctx); err != nil {
		return Response{}, err
	}
	events := f.events
	for {
		select {
		case events <- document:
			events = nil
		case r := <-f.results:
			if r.kind != "response" {
				return Response{}, fmt.Errorf("%s: %s: %s", f.name, r.kind, r.body)
			}
			return Response{Body: r.body, After: r.at.Sub(f.started)}, nil
		case <-f.exited:
			return Response{}, fmt.Errorf("%s ended without an answer: %v", f.name, f.process.ProcessState)
		case <-ctx.Done():
			return Response{}, fmt.Errorf("%s does not answer: %w", f.name, ctx.Err())
		}
	}
}

// PeakMemory returns the peak resident memory of the running process, in bytes. It works on Linux only. The figure that
// the kernel gives for an ended process is no use: it includes the memory of the parent process before exec.
func (f *Function) PeakMemory() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.process.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if figure, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(figure), "kB")), 10, 64)
			return kib << 10, err
		}
	}
	return 0, errors.New("the kernel does not tell the peak memory")
}

// Close ends the bootstrap.
func (f *Function) Close() error {
	_ = f.process.Process.Kill() // it may have ended already
	<-f.exited
	return f.server.Close()
}
