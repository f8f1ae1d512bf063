package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// load reads the messages of earlier processes, the oldest first. A file that can't be
// read stays where it is.
func (q *Queue) load() (messages []Message, _ error) {
	if err := os.MkdirAll(q.Dir, 0o700); err != nil {
		return nil, err
	}
	names, err := filepath.Glob(filepath.Join(q.Dir, "*.json"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		var m Message
		data, err := os.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(data, &m)
		}
		if err == nil && q.file(m.ID) != name {
			err = fmt.Errorf("it has the message %q", m.ID)
		}
		if err != nil {
			q.Log.Warn("message not read", "queue", q.Name, "file", name, "err", err)
			continue
		}
		messages = append(messages, m)
	}
	slices.SortFunc(messages, func(a, b Message) int { return a.Sent.Compare(b.Sent) })
	return messages, nil
}

func (q *Queue) file(id string) string { return filepath.Join(q.Dir, id+".json") }

// store writes a message's file, whole or not at all.
func (q *Queue) store(m Message) error {
	document, err := json.Marshal(m)
	if err != nil {
		return err
	}
	part := filepath.Join(q.Dir, m.ID+".part") // a queue is written by one process, under a lock
	if err := os.WriteFile(part, document, 0o600); err != nil {
		return errors.Join(err, os.RemoveAll(part))
	}
	if err := os.Rename(part, q.file(m.ID)); err != nil {
		return errors.Join(err, os.Remove(part))
	}
	return nil
}

func (q *Queue) unlink(id string) error { return os.Remove(q.file(id)) }
