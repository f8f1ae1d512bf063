package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"time"
)

// task says what a backfill judges originals by.
type task struct {
	Bucket string            `json:"bucket"`
	All    bool              `json:"all"`
	Revs   map[string]string `json:"revs"` // the current revisions, by preset
}

// checkpoint is a file that says how far a backfill is. Every original up to its key
// is finished, gone, or has an invocation that Lambda accepted.
type checkpoint struct {
	file  string
	saved time.Time // when the file was last written

	Task   task   `json:"task"`
	Counts counts `json:"counts"`
}

// saveEvery bounds how often the file is written. What was accepted in this time is
// repeated after a crash.
const saveEvery = 100 * time.Millisecond

// openCheckpoint returns the checkpoint of an earlier run, or one for the beginning.
// It refuses the checkpoint of another task: what comes before its key was judged
// otherwise.
func openCheckpoint(file string, task task) (*checkpoint, error) {
	document, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return &checkpoint{file: file, Task: task}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	c := &checkpoint{file: file}
	if err := json.Unmarshal(document, c); err != nil {
		return nil, fmt.Errorf("read the checkpoint %s: %w", file, err)
	}
	if !reflect.DeepEqual(c.Task, task) {
		return nil, fmt.Errorf("the checkpoint %s is of a backfill with another bucket, other presets or another --all: "+
			"delete it to begin anew, or name another file with --checkpoint", file)
	}
	return c, nil
}

// advance moves the checkpoint. The file may be a little behind.
func (c *checkpoint) advance(to counts) error {
	c.Counts = to
	if time.Since(c.saved) < saveEvery {
		return nil
	}
	return c.save()
}

// end deletes the file after the last original, and otherwise brings it up to date.
func (c *checkpoint) end(complete bool) error {
	if !complete {
		return c.save()
	}
	if err := os.Remove(c.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete the checkpoint: %w", err)
	}
	return nil
}

// save writes the file anew. It is there whole, as it was or as it is, also when the
// machine stops in between.
func (c *checkpoint) save() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write the checkpoint: %w", err)
		}
	}()
	document, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(c.file), ".checkpoint-*")
	if err != nil {
		return err
	}
	_, err = file.Write(document)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), c.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	c.saved = time.Now()
	return nil
}
