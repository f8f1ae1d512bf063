package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/presize/presize/internal/signed"
)

// data is the folder of all data.
type data struct {
	dir  string // absolute
	lock *os.File
}

// openData creates the folder if needed, and locks it: two S3 servers on the same files
// would not see each other's locks.
func openData(dir string) (*data, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	advise := func(err error) error {
		return fmt.Errorf("data folder can't be used: %w: set PRESIZE_DATA to another one", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, advise(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, advise(err)
	}
	// The kernel releases the lock when the process ends, even after a crash.
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("data folder %s is in use by another presize: stop that one, or set PRESIZE_DATA to another folder", dir)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &data{dir: dir, lock: lock}, nil
}

// objects is the folder of the S3 server.
func (d *data) objects() string { return filepath.Join(d.dir, "s3") }

// queues is the folder of the queues.
func (d *data) queues() string { return filepath.Join(d.dir, "queues") }

// signingKey returns the private key of signed URLs, as PEM. The first start makes it.
func (d *data) signingKey() ([]byte, error) {
	path := filepath.Join(d.dir, "signing-key.pem")
	key, err := os.ReadFile(path)
	if !errors.Is(err, os.ErrNotExist) {
		return key, err
	}
	if key, err = signed.NewKey(); err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, key, 0o600)
}

func (d *data) close() error { return d.lock.Close() }
