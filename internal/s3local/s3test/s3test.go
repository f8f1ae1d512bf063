// Package s3test gives tests a real S3 server with the buckets of presize.
package s3test

import (
	"context"
	"net"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/s3local"
)

// Names of the buckets, and of the account that has all permissions on them.
const (
	Input  = "presize-input"
	Output = "presize-output"
	Owner  = "owner"
)

// Env is a running S3 server and its buckets as the owner sees them.
type Env struct {
	Server        *s3local.Server
	Input, Output *bucket.Bucket
}

// Start runs an S3 server in a temporary directory until the test ends. onEvent may be
// nil. Tests that use it must not run in parallel and must use absolute paths: see
// [s3local.Start].
func Start(t testing.TB, onEvent func(events.S3Event)) Env {
	t.Helper()
	t.Chdir(t.TempDir()) // the server changes the directory; this changes it back at the end
	server, err := s3local.Start(context.Background(), s3local.Config{
		Dir:      t.TempDir(),
		Address:  FreeAddress(t),
		Accounts: []string{Owner},
		Buckets:  []s3local.Bucket{owned(Input), owned(Output)},
		OnEvent:  onEvent,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	client := server.Client(Owner)
	return Env{Server: server, Input: bucket.New(client, Input), Output: bucket.New(client, Output)}
}

// FreeAddress returns a free loopback address.
func FreeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func owned(name string) s3local.Bucket {
	return s3local.Bucket{Name: name, Statements: []s3local.Statement{{
		Sid:       "Owner",
		Effect:    "Allow",
		Principal: Owner,
		Action:    []string{"s3:*"},
		Resource:  []string{"arn:aws:s3:::" + name, "arn:aws:s3:::" + name + "/*"},
	}}}
}
