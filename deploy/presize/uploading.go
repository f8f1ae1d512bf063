package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/presize/presize/api/client"
	"github.com/presize/presize/deploy/presize/statefile"
)

// errRejected is the error of an upload whose files were rejected, as far as they are not done.
var errRejected = errors.New("some files were rejected")

// uploading is one run of the command.
type uploading struct {
	*call
	service           *client.Client
	state             *statefile.File
	preset, reference string
	complete          bool // wait for AVIF too
	parallel          int

	mu                     sync.Mutex
	done, rejected, failed int
}

// result is what is told of a file.
type result struct {
	File string `json:"file"`
	client.Manifest
	Error string `json:"error,omitempty"`
}

// run uploads files. The first error that is about no file in particular ends it.
func (u *uploading) run(ctx context.Context, files []imageFile) error {
	var bytes int64
	for _, file := range files {
		bytes += file.info.Size()
	}
	transfers := newTransfers(u.stderr, u.text(), len(files), bytes)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(u.parallel)
	for _, file := range files {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			transfer := transfers.begin(file.name, file.info.Size())
			defer transfer.end()
			manifest, err := u.upload(groupCtx, file, transfer.moved)
			if err != nil && (groupCtx.Err() != nil || !aboutTheFile(err)) {
				return err
			}
			return u.settle(transfers, file, manifest, err)
		})
	}
	err := group.Wait()
	transfers.end()
	left := len(files) - u.done - u.rejected - u.failed
	summary := fmt.Sprintf("%d of %s done, %d rejected, %d failed", u.done, plural(len(files), "file"), u.rejected, u.failed)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted: %s, %d left; the same call goes on from there", summary, left)
	case err != nil:
		return fmt.Errorf("%w (%s, %d left; the same call goes on from there)", err, summary, left)
	case u.failed > 0:
		return errors.New(summary)
	case u.rejected > 0:
		return fmt.Errorf("%w: %s", errRejected, summary)
	}
	fmt.Fprintln(u.stderr, summary)
	return nil
}

// upload uploads a file, and returns what is known of the upload.
func (u *uploading) upload(ctx context.Context, file imageFile, moved func(client.Progress)) (client.Manifest, error) {
	began, err := u.state.Begin(statefile.Source{
		File: file.path, Bytes: file.info.Size(), Modified: file.info.ModTime().UnixNano(),
		Endpoint: u.service.Endpoint(), Preset: u.preset, Reference: u.reference,
	})
	if err != nil {
		return client.Manifest{}, err
	}
	upload := began.Upload
	manifest := client.Manifest{ID: upload.ID}
	if !began.Arrived {
		if err := u.send(ctx, upload, file, moved); err != nil {
			return manifest, err
		}
		if err := u.state.Arrived(upload); err != nil {
			return manifest, err
		}
	}
	moved(client.Progress{Phase: client.Rendering, Done: file.info.Size(), Total: file.info.Size()})
	wait := u.service.WaitReady
	if u.complete {
		wait = u.service.WaitComplete
	}
	found, err := wait(ctx, upload)
	if found.ID != "" {
		manifest = found
	}
	return manifest, err
}

func (u *uploading) send(ctx context.Context, upload client.Upload, file imageFile, moved func(client.Progress)) error {
	content, err := os.Open(file.path)
	if err != nil {
		return fmt.Errorf("%w: %w", client.ErrUnreadable, err)
	}
	defer content.Close() // only read
	return u.service.Send(ctx, upload, client.File{Content: content, Bytes: file.info.Size(), Name: file.info.Name()},
		client.Settings{Preset: u.preset, Reference: u.reference, OnProgress: moved})
}

// aboutTheFile reports whether an error says nothing of the files that are still to come.
func aboutTheFile(err error) bool {
	var rejected *client.RejectedError
	var failed *client.FailedError
	var refused *client.Error
	if errors.As(err, &rejected) || errors.As(err, &failed) || errors.Is(err, client.ErrUnreadable) {
		return true
	}
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Code {
	case "upload-not-found", // deleted since
		"upload-exists": // with other bytes, which the file had before
		return true
	}
	return len(refused.Fields) > 0 && !slices.ContainsFunc(refused.Fields, func(field client.FieldError) bool {
		return !slices.Contains([]string{"#/contentType", "#/bytes", "#/sha256", "#/filename"}, field.Pointer)
	})
}

// settle tells how an upload has ended, and counts it.
func (u *uploading) settle(transfers transfers, file imageFile, manifest client.Manifest, failure error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	r := result{File: file.name, Manifest: manifest}
	var rejected *client.RejectedError
	line := fmt.Sprintf("%s  %-8s  %s", manifest.ID, manifest.Status, file.name)
	switch {
	case failure == nil:
		u.done++
	case errors.As(failure, &rejected):
		u.rejected++
		r.Status, r.Rejection = client.Rejected, &rejected.Rejection
		line = fmt.Sprintf("%s  %-8s  %s: %s", manifest.ID, client.Rejected, file.name, rejected.Detail)
	default:
		u.failed++
		r.Error = failure.Error()
		line = fmt.Sprintf("%s  %-8s  %s: %v", manifest.ID, client.Failed, file.name, failure)
	}
	if u.json {
		return u.document(r)
	}
	return transfers.say(line)
}
