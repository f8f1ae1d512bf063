package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	osls        = "deploy/node_modules/.bin/osls"
	oslsTimeout = 3 * time.Minute
)

// packaging is one run of `osls package`.
type packaging struct {
	name   string
	stage  string
	params []string // each "name=value"
}

// dir is where the package is kept, below the repository's root.
func (p packaging) dir() string { return "build/deploy/" + p.name }

// compile runs `osls package` in root, and returns the CloudFormation template in the package. Requests to AWS go
// to an [emptyAccount] on loopback; any but the expected ones are an error.
func compile(ctx context.Context, root string, p packaging) (json []byte, err error) {
	if err := packageOffline(ctx, root, p); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(root, p.dir(), "cloudformation-template-update-stack.json"))
}

func packageOffline(ctx context.Context, root string, p packaging) error {
	command, err := filepath.Abs(filepath.Join(root, osls))
	if err != nil {
		return err
	}
	if _, err := os.Stat(command); err != nil {
		return fmt.Errorf("osls is not installed (npm ci --prefix deploy): %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	account := &emptyAccount{}
	server := &http.Server{Handler: account, ReadHeaderTimeout: time.Minute}
	go server.Serve(listener) // returns when closed; osls notices if it fails earlier
	defer server.Close()

	ctx, cancel := context.WithTimeout(ctx, oslsTimeout)
	defer cancel()
	args := []string{"package", "--package", p.dir(), "--stage", p.stage}
	for _, param := range p.params {
		args = append(args, "--param", param)
	}
	cmd := exec.CommandContext(ctx, command, args...)
	cmd.Dir = root
	cmd.Env = offlineEnvironment(os.Environ(), "http://"+listener.Addr().String())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("osls package: %w\n%s", err, out)
	}
	return account.err()
}

// offlineEnvironment is env without anything that would lead osls to a real account or through a proxy, and
// with endpoint as the only AWS there is.
func offlineEnvironment(env []string, endpoint string) []string {
	env = slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
		name, _, _ := strings.Cut(strings.ToUpper(kv), "=")
		return strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "SLS_") || strings.HasSuffix(name, "_PROXY")
	})
	return append(env,
		"AWS_ENDPOINT_URL="+endpoint,
		"AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=offline",
		"AWS_SECRET_ACCESS_KEY=offline",
		"AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
	)
}

// emptyAccount is CloudFormation's query API in an account without stacks. That is all osls asks while it
// packages: it compares the layer with the one deployed last.
type emptyAccount struct {
	mu         sync.Mutex
	unexpected []string
}

func (a *emptyAccount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if action := r.FormValue("Action"); action != "DescribeStacks" {
		a.mu.Lock()
		a.unexpected = append(a.unexpected, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, action))
		a.mu.Unlock()
		w.WriteHeader(http.StatusNotImplemented)
		return
	}
	// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>`+
		`<Message>Stack does not exist</Message></Error></ErrorResponse>`)
}

// err tells what was asked beyond DescribeStacks.
func (a *emptyAccount) err() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.unexpected) == 0 {
		return nil
	}
	return errors.New("osls asked AWS what packaging should not need: " + strings.Join(a.unexpected, ", "))
}
