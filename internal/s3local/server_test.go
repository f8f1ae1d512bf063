package s3local_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/internal/s3local"
	"github.com/presize/presize/internal/s3local/s3test"
)

const account, bucket = "owner", "presize-test"

func start(t *testing.T, dir, address string) *s3local.Server {
	t.Helper()
	t.Chdir(t.TempDir())
	server, err := s3local.Start(t.Context(), s3local.Config{
		Dir:      dir,
		Address:  address,
		Accounts: []string{account},
		Buckets: []s3local.Bucket{{Name: bucket, Statements: []s3local.Statement{{
			Effect:    "Allow",
			Principal: account,
			Action:    []string{"s3:*"},
			Resource:  []string{"arn:aws:s3:::" + bucket, "arn:aws:s3:::" + bucket + "/*"},
		}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestGrantAndObjectOutliveARestart(t *testing.T) {
	dir, address := t.TempDir(), s3test.FreeAddress(t)
	key := "a"
	before := start(t, dir, address)
	grant, err := s3.NewPresignClient(before.Client(account)).PresignPutObject(t.Context(),
		&s3.PutObjectInput{Bucket: new(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}

	after := start(t, dir, address)
	request, err := http.NewRequestWithContext(t.Context(), grant.Method, grant.URL, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("put with a grant from before: %s", response.Status)
	}
	if err := after.Close(); err != nil {
		t.Fatal(err)
	}

	again := start(t, dir, address)
	object, err := again.Client(account).GetObject(t.Context(), &s3.GetObjectInput{Bucket: new(bucket), Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	if body, err := io.ReadAll(object.Body); err != nil || string(body) != "body" {
		t.Errorf("object is %q, %v", body, err)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseDoesNotWaitForConnectionsWithoutARequest(t *testing.T) {
	address := s3test.FreeAddress(t)
	server := start(t, t.TempDir(), address)
	var dialer net.Dialer
	connection, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	// The next request is accepted after that connection.
	if _, err := server.Client(account).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: new(bucket)}); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err) // after 10 s
	}
}

func TestTakenAddressIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, err = s3local.Start(context.Background(), s3local.Config{Dir: t.TempDir(), Address: listener.Addr().String()})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("got %v", err)
	}
}
