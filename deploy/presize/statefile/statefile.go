// Package statefile says which file is which upload, so that uploads that were interrupted
// go on, and holds the secrets that delete them.
package statefile

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/presize/presize/api/client"
)

// File is a state file. It is a journal: a line is written and synced
// before the step that it is about, or after the one that it confirms. So a process may end
// at any moment.
type File struct {
	mu      sync.Mutex
	file    *os.File
	broken  error // of a line that could not be written; another line after it could not be read
	sources map[Source]client.Upload
	uploads map[string]Began // by id
}

// Source is what is uploaded where. A file that has changed is another source.
type Source struct {
	File      string `json:"file"` // absolute
	Bytes     int64  `json:"bytes"`
	Modified  int64  `json:"modified"` // nanoseconds since 1970
	Endpoint  string `json:"endpoint"`
	Preset    string `json:"preset,omitempty"`
	Reference string `json:"reference,omitempty"`
}

// Began is an upload that was begun.
type Began struct {
	Upload  client.Upload
	Arrived bool // the file is in the storage
}

// event says what a line of a state file is about.
type event string

const (
	eventBegan   event = "began"   // has the source and the secret; no request was sent yet
	eventArrived event = "arrived" // the file is in the storage
	eventDeleted event = "deleted"
)

// line is a line of a state file.
type line struct {
	Event  event   `json:"event"`
	ID     string  `json:"id"`
	Secret string  `json:"secret,omitempty"`
	Source *Source `json:"source,omitempty"`
}

// Open opens a state file, and creates it if there is none. Only one process may use it.
func Open(name string) (_ *File, err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) // it holds secrets
	if err != nil {
		return nil, fmt.Errorf("open the state file: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("open the state file %s: %w", name, errors.Join(err, file.Close()))
		}
	}()
	if err := lock(file); err != nil {
		return nil, err
	}
	s := &File{file: file, sources: make(map[Source]client.Upload), uploads: make(map[string]Began)}
	return s, s.read()
}

// errLocked is the error of a file that another process has locked.
var errLocked = errors.New("another presize is using it")

// read reads the whole file. A last line that is not whole is cut off: the process ended while
// it wrote it, and before the step that comes after it.
func (s *File) read() error {
	var whole int64
	reader := bufio.NewReader(s.file)
	for number := 1; ; number++ {
		text, err := reader.ReadBytes('\n')
		if err == io.EOF && isCutOff(text) {
			break
		}
		if err == io.EOF {
			return errors.New("not a state file") // do not cut off what is not ours
		}
		if err != nil {
			return err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		if err := s.apply(l); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
		whole += int64(len(text))
	}
	if err := s.file.Truncate(whole); err != nil {
		return err
	}
	_, err := s.file.Seek(whole, 0)
	return err
}

// isCutOff reports whether text may be the beginning of a line, which begins with its event.
func isCutOff(text []byte) bool {
	const start = `{"event":"`
	return strings.HasPrefix(start, string(text)) || strings.HasPrefix(string(text), start)
}

// apply does what a line says.
func (s *File) apply(l line) error {
	known, ok := s.uploads[l.ID]
	switch {
	case l.Event == eventBegan && l.Source != nil:
		upload, err := client.ParseSecret(l.Secret)
		if err != nil {
			return err
		}
		// Earlier versions have written it as the caller did.
		if service, err := client.New(l.Source.Endpoint, client.Options{}); err == nil {
			l.Source.Endpoint = service.Endpoint()
		}
		s.sources[*l.Source], s.uploads[upload.ID] = upload, Began{Upload: upload}
	case l.Event == eventArrived && ok:
		known.Arrived = true
		s.uploads[l.ID] = known
	case l.Event == eventDeleted && ok:
		delete(s.uploads, l.ID)
		for source, upload := range s.sources {
			if upload.ID == l.ID {
				delete(s.sources, source)
			}
		}
	default:
		return errors.New("not a line of a state file")
	}
	return nil
}

// add writes a line, and does what it says.
func (s *File) add(l line) error {
	if s.broken != nil {
		return s.broken
	}
	text, err := json.Marshal(l)
	if err == nil {
		_, err = s.file.Write(append(text, '\n'))
	}
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.broken = fmt.Errorf("write the state file: %w", err)
		return s.broken
	}
	return s.apply(l)
}

// Begin returns the upload of a source: the one of an earlier run, or a new one.
func (s *File) Begin(from Source) (Began, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if upload, ok := s.sources[from]; ok {
		return s.uploads[upload.ID], nil
	}
	upload := client.NewUpload()
	if err := s.add(line{Event: eventBegan, ID: upload.ID, Secret: upload.Secret, Source: &from}); err != nil {
		return Began{}, err
	}
	return Began{Upload: upload}, nil
}

// Arrived notes that the file of an upload is in the storage.
func (s *File) Arrived(upload client.Upload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(line{Event: eventArrived, ID: upload.ID})
}

// Find returns the upload of an id, with its secret if it is known.
func (s *File) Find(id string) client.Upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.uploads[id]; ok {
		return known.Upload
	}
	return client.Upload{ID: id}
}

// Forget notes that an upload is deleted.
func (s *File) Forget(upload client.Upload) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.uploads[upload.ID]; !ok {
		return nil
	}
	return s.add(line{Event: eventDeleted, ID: upload.ID})
}

// Close closes the file and releases it for other processes.
func (s *File) Close() { _ = s.file.Close() } // every line is synced
