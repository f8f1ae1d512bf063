// Package pack makes the archives for Lambda, and checks that Lambda can load their binaries.
//
// Archives are reproducible. The same files give the same bytes on any machine, at any time and in any order, as long as
// the Go toolchain, and with it the compressor, is the same.
package pack

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// File is one regular file of an archive.
type File struct {
	Name string      // slash-separated, relative to the root of the archive
	Mode fs.FileMode // permission bits only
	Data []byte
}

// Write writes files to the zip archive path. It creates missing folders. It replaces the archive atomically: after an
// error the previous file at path is unchanged.
func Write(path string, files ...File) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(folder, ".zip-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			part.Close()
			os.Remove(part.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if err := encode(part, files); err != nil {
		return err
	}
	if err := part.Chmod(0o644); err != nil {
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

func encode(w io.Writer, files []File) error {
	archive := zip.NewWriter(w)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for i, file := range files {
		if !fs.ValidPath(file.Name) || file.Mode != file.Mode.Perm() {
			return fmt.Errorf("%q with mode %v can't be packed", file.Name, file.Mode)
		}
		if i > 0 && files[i-1].Name == file.Name {
			return fmt.Errorf("%q is there twice", file.Name)
		}
		header := &zip.FileHeader{
			Name:   file.Name,
			Method: zip.Deflate,
			// The earliest time that a zip archive can hold.
			Modified: time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC),
		}
		header.SetMode(file.Mode)
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(file.Data); err != nil {
			return err
		}
	}
	return archive.Close()
}

// Read returns the files of the zip archive path, in the archive's order.
func Read(path string) ([]File, error) {
	archive, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	defer archive.Close()
	var files []File
	for _, entry := range archive.File {
		if entry.Mode().IsDir() {
			continue
		}
		data, err := fs.ReadFile(archive, entry.Name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		files = append(files, File{Name: entry.Name, Mode: entry.Mode(), Data: data})
	}
	return files, nil
}

// Unpack writes the files of the zip archive path into folder, as Lambda does.
func Unpack(path, folder string) error {
	files, err := Read(path)
	if err != nil {
		return err
	}
	for _, file := range files {
		place := filepath.Join(folder, filepath.FromSlash(file.Name))
		if err := os.MkdirAll(filepath.Dir(place), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(place, file.Data, file.Mode); err != nil {
			return err
		}
	}
	return nil
}
