package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/presize/presize/api/client"
	"github.com/presize/presize/deploy/presize/statefile"
)

const uploadUsage = `upload images to a service, and wait for their variants

  presize upload --endpoint https://images.example.com photo.jpg
  presize upload --endpoint https://images.example.com --preset avatar photos/
  presize upload --endpoint https://images.example.com --wait complete --json photos/

Of a folder, it uploads every file in it and below whose name ends like that of an image,
and leaves out names that begin with a dot. For each file it prints the id of the upload,
its status and the file; with --json, one document with the file and the manifest.

The state file says which file is which upload, and holds the secrets of the uploads: keep
it, to delete them later. After a Ctrl-C or a crash, the same call goes on: no file is
uploaded twice, and none is left out. A file that has changed is another upload.

A service that requires sign-in gets the token in the environment variable PRESIZE_TOKEN.

Exit codes: 0 all files are uploaded and processed; 1 something failed, call it again; 2
called in a wrong way; 3 some files were rejected, and all others are done.
`

// endpointFlag adds the flags of commands that work with a service as its users do.
func (c *call) endpointFlag() (endpoint, state *string) {
	return c.flags.String("endpoint", "", "the `URL` of the service"),
		c.flags.String("state", "presize-uploads.jsonl", "the `file` that holds the uploads and their secrets")
}

// connect returns the client of a service.
func (c *call) connect(endpoint string) (*client.Client, error) {
	if endpoint == "" {
		return nil, fmt.Errorf("%w: --endpoint is missing", errUsage)
	}
	var options client.Options
	if token, ok := c.lookup("PRESIZE_TOKEN"); ok {
		options.Token = func(context.Context) (string, error) { return token, nil }
	}
	service, err := client.New(endpoint, options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUsage, err)
	}
	return service, nil
}

func runUpload(ctx context.Context, c *call) error {
	endpoint, state := c.endpointFlag()
	u := &uploading{call: c}
	c.flags.StringVar(&u.preset, "preset", "", "the `name` of a preset; by default the service's")
	c.flags.StringVar(&u.reference, "reference", "", "a `text` of your own, which comes back with the status")
	wait := c.flags.String("wait", "ready", "what to wait for: ready (WebP and JPEG) or complete (AVIF too)")
	c.flags.IntVar(&u.parallel, "parallel", 4, "the `number` of files under way at once")
	arguments, err := c.parseFlags()
	if err != nil {
		return err
	}
	switch {
	case len(arguments) == 0:
		return fmt.Errorf("%w: which file or folder?", errUsage)
	case *wait != "ready" && *wait != "complete":
		return fmt.Errorf("%w: --wait must be ready or complete", errUsage)
	case u.parallel < 1:
		return fmt.Errorf("%w: --parallel must be at least 1", errUsage)
	}
	u.complete = *wait == "complete"
	if u.service, err = c.connect(*endpoint); err != nil {
		return err
	}
	files, err := findImages(arguments)
	if err != nil {
		return err
	}
	if u.state, err = statefile.Open(*state); err != nil {
		return err
	}
	defer u.state.Close()
	return u.run(ctx, files)
}

// imageFile is a file to upload.
type imageFile struct {
	name string // as the caller knows it
	path string // absolute
	info os.FileInfo
}

// findImages returns the files that arguments name, and the images in folders, each once.
func findImages(arguments []string) ([]imageFile, error) {
	var files []imageFile
	for _, argument := range arguments {
		root := argument
		if info, err := os.Stat(argument); err == nil && info.IsDir() {
			root += string(filepath.Separator) // else WalkDir stays at a link to a folder
		}
		err := filepath.WalkDir(root, func(name string, entry os.DirEntry, err error) error {
			inside := name != root
			switch {
			case err != nil:
				return err
			case inside && strings.HasPrefix(entry.Name(), "."):
				if entry.IsDir() {
					return filepath.SkipDir
				}
				return nil
			case entry.IsDir(), inside && !client.IsImageName(name):
				return nil
			}
			info, err := os.Stat(name) // of what a link leads to
			if err != nil {
				return err
			}
			if !info.Mode().IsRegular() {
				return fmt.Errorf("%s is neither a file nor a folder", name)
			}
			path, err := filepath.Abs(name)
			files = append(files, imageFile{name, path, info})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
	}
	if len(files) == 0 {
		return nil, errors.New("no images found")
	}
	slices.SortStableFunc(files, func(a, b imageFile) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(files, func(a, b imageFile) bool { return a.path == b.path }), nil
}
