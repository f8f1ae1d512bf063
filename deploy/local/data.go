package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// data is the folder that everything is kept in.
type data struct {
	dir  string // absolute
	lock *os.File
}

// openData makes the folder if needed, and takes it for this process alone: two
// S3 servers over the same files would not know of each other's locks.
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
	// The kernel lets go of it when the process ends, in whatever way.
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("data folder %s is in use by another presize: stop that one, or set PRESIZE_DATA to another folder", dir)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &data{dir: dir, lock: lock}, nil
}

// objects is where the S3 server keeps its own.
func (d *data) objects() string { return filepath.Join(d.dir, "s3") }

// failures is the failure queue.
func (d *data) failures() string { return filepath.Join(d.dir, "failures") }

func (d *data) close() error { return d.lock.Close() }
