// Package s3local runs a real S3 server in this process, for development and tests.
// It verifies signatures, signed headers and checksums, and it gives each part of
// presize an account of its own that may do what the part's AWS role allows, and
// nothing else. Objects are plain files.
package s3local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/gofiber/fiber/v3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3api/middlewares"
)

// Region is the region that the server says it is in.
const Region = "us-east-1"

// rootAccount sets up the buckets. It exists within this package only.
const rootAccount = "presize-root"

// connectionGrace is how long Close waits for connections without a request. Browsers open
// some in advance, and the S3 server itself would wait 10 s for them.
const connectionGrace = 500 * time.Millisecond

// Config says what a Server serves.
type Config struct {
	Dir      string   // folder of the objects, created if missing; they survive a restart
	Address  string   // host:port to listen on
	Buckets  []Bucket // created if missing, configured anew at every start
	Accounts []string // names, also used as access keys
	Versions bool     // allows versioning to be turned on for a bucket

	// OnEvent is called with every ObjectCreated and ObjectRemoved event, in the format of
	// AWS, before the client that caused it gets its answer. It must not block.
	OnEvent func(events.S3Event)
}

// Bucket is one bucket with its rules.
type Bucket struct {
	Name       string
	CORS       []types.CORSRule // permissions of pages of other origins
	Statements []Statement      // permissions of accounts; everything else is denied
}

// Server is a running S3 server. One process can hold one at a time.
type Server struct {
	address   string
	accounts  accounts
	transport *http.Transport // of all clients
	backend   backend.Backend
	api       *s3api.S3ApiServer
	requests  sync.RWMutex // each request holds it for reading, Close for writing
	uploads   uploads
	done      chan error
}

// Start runs a server until [Server.Close]. It changes the working directory of the
// process to the server's, so all other code must use absolute paths.
func Start(ctx context.Context, config Config) (*Server, error) {
	if err := checkFree(config.Address); err != nil {
		return nil, err
	}
	disk, err := openStorage(config.Dir, config.Versions)
	if err != nil {
		return nil, err
	}
	accounts, err := newAccounts(config.Dir, append([]string{rootAccount}, config.Accounts...))
	if err != nil {
		return nil, err
	}
	server := &Server{
		address:   config.Address,
		accounts:  accounts,
		transport: transport(),
		backend:   disk,
		done:      make(chan error, 1),
		uploads:   uploads{conns: make(map[net.Conn]bool)},
	}
	listening := make(chan struct{})
	root := middlewares.RootUserConfig{Access: rootAccount, Secret: accounts[rootAccount].Secret}
	server.api, err = s3api.New(storage{disk}, root, Region, accounts, nil, nil, eventSender(config.OnEvent), nil,
		s3api.WithQuiet(),
		s3api.WithKeepAlive(),
		s3api.WithMpMaxParts(10_000),
		s3api.WithConcurrencyLimiter(maxConnections, maxConnections),
		s3api.WithMiddleware("/", server.admit),
		s3api.WithMiddleware("/", server.uploads.track),
		s3api.WithOnListen(func() { close(listening) }),
	)
	if err != nil {
		return nil, fmt.Errorf("set up the S3 server: %w", err)
	}
	go func() { server.done <- server.api.ServeMultiPort([]string{config.Address}) }()
	select {
	case <-listening:
	case err := <-server.done:
		return nil, fmt.Errorf("start the S3 server: %w", err)
	}
	for _, bucket := range config.Buckets {
		if err := setUp(ctx, server.Client(rootAccount), bucket); err != nil {
			return nil, errors.Join(fmt.Errorf("set up bucket %s: %w", bucket.Name, err), server.Close())
		}
	}
	return server, nil
}

// maxConnections is how many connections the server takes. It answers further ones with 503.
const maxConnections = 1_000

// transport returns what the server's own clients send with. It leaves half of the connections
// to clients that upload.
func transport() *http.Transport {
	t := awshttp.NewBuildableClient().GetTransport()
	t.MaxConnsPerHost = maxConnections / 2
	return t
}

// checkFree returns the system's error for a taken port, which the server would hide.
func checkFree(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return listener.Close()
}

// maxCopy is the most that one CopyObject copies, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
const maxCopy = 5 << 30

func openStorage(dir string, versions bool) (backend.Backend, error) {
	objects, attributes := filepath.Join(dir, "objects"), filepath.Join(dir, "attributes")
	dirs, options := []string{objects, attributes}, posix.PosixOpts{CopyObjectThreshold: maxCopy}
	if versions {
		options.VersioningDir = filepath.Join(dir, "versions")
		dirs = append(dirs, options.VersioningDir)
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	// Attributes are in files of their own: not every file system has extended attributes.
	sideCar, err := meta.NewSideCar(attributes)
	if err != nil {
		return nil, fmt.Errorf("open the S3 server's storage: %w", err)
	}
	storage, err := posix.New(objects, sideCar, options)
	if err != nil {
		return nil, fmt.Errorf("open the S3 server's storage: %w", err)
	}
	return storage, nil
}

// URL is the server's endpoint.
func (s *Server) URL() string { return "http://" + s.address }

// Client returns a client that signs with an account's keys.
func (s *Server) Client(account string) *s3.Client {
	return s3.New(s3.Options{
		Region:       Region,
		BaseEndpoint: aws.String(s.URL()),
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(account, s.accounts[account].Secret, ""),
		HTTPClient:   &http.Client{Transport: s.transport},
	})
}

// CutOffUploads breaks the connections of all PUT requests under way, and returns how
// many there were. It refuses later ones. An upload that has not arrived completely
// leaves no object.
func (s *Server) CutOffUploads() int { return s.uploads.cutOff() }

// Close stops the server after the requests under way, but after 10 s at the latest.
func (s *Server) Close() error {
	s.transport.CloseIdleConnections()
	stopped, idle := make(chan error, 1), make(chan struct{})
	go func() { stopped <- s.api.ShutDown() }()
	go func() {
		s.requests.Lock()
		time.Sleep(connectionGrace)
		close(idle)
	}()
	var err error
	select {
	case err = <-stopped:
	case <-idle:
	}
	<-s.done // an error by nature: the listener was closed
	s.backend.Shutdown()
	return err
}

// admit lets a request pass unless the server is closing.
func (s *Server) admit(ctx fiber.Ctx) error {
	if !s.requests.TryRLock() {
		return ctx.SendStatus(fiber.StatusServiceUnavailable)
	}
	defer s.requests.RUnlock()
	return ctx.Next()
}
