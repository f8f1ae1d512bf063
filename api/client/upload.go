package client

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/presize/presize/internal/media"
)

// renewals is how often one upload asks for a fresh grant in place of an expired one.
const renewals = 3

// ErrUnreadable is the error of a file whose content can't be read, or has changed meanwhile.
var ErrUnreadable = errors.New("read the file")

// File is what is uploaded. Its content is read twice: for its SHA-256, with which the
// storage detects a damaged transfer, and to send it.
type File struct {
	Content io.ReaderAt
	Bytes   int64
	Name    string // optional; the service keeps at most 255 bytes and never publishes it
	// ContentType is a hint, because the service decides by the bytes. If it is empty, it is
	// told by the first bytes, or else by the name.
	ContentType string
}

// Settings are those of one upload. The zero value is a good one.
type Settings struct {
	Preset    string // "" is the service's default
	Reference string // a string of the app's own, at most 256 characters
	// OnProgress is told how far the upload is, often, and by one goroutine at a time.
	OnProgress func(Progress)
}

// Progress says how far an upload is.
type Progress struct {
	Phase Phase
	Done  int64 // bytes, in this phase
	Total int64 // bytes of the file
}

// Phase is a part of an upload.
type Phase string

// The phases of an upload, in order. An expired grant leads back to Granting.
const (
	Hashing   Phase = "hashing"   // computes the file's SHA-256
	Granting  Phase = "granting"  // asks the service for the permission to send the file
	Uploading Phase = "uploading" // sends the file to the storage
	Rendering Phase = "rendering" // waits until the service has rendered the images
)

// UploadFile uploads the file at a path, and waits until every size is ready in WebP and JPEG.
func (c *Client) UploadFile(ctx context.Context, upload Upload, path string, settings Settings) (Manifest, error) {
	file, err := os.Open(path)
	if err != nil {
		return Manifest{}, err
	}
	defer file.Close() // only read
	info, err := file.Stat()
	if err != nil {
		return Manifest{}, err
	}
	return c.Upload(ctx, upload, File{Content: file, Bytes: info.Size(), Name: filepath.Base(path)}, settings)
}

// Upload uploads a file, and waits until every size is ready in WebP and JPEG.
func (c *Client) Upload(ctx context.Context, upload Upload, file File, settings Settings) (Manifest, error) {
	if err := c.Send(ctx, upload, file, settings); err != nil {
		return Manifest{}, err
	}
	settings.report(Rendering, file.Bytes, file.Bytes)
	return c.WaitReady(ctx, upload)
}

// Send uploads a file, and does not wait for the images. If the file is there already, from an
// earlier call with the same upload, nothing is sent. Repeat a call that failed with the same
// upload, and use another one for another file.
func (c *Client) Send(ctx context.Context, upload Upload, file File, settings Settings) error {
	request, err := describe(ctx, upload, file, settings)
	if err != nil {
		return err
	}
	for renewed := 0; ; renewed++ {
		settings.report(Granting, 0, file.Bytes)
		var granted struct{ Upload *grant }
		if _, err := c.call(ctx, call{method: "POST", path: "/api/v1/uploads", body: request}, &granted); err != nil {
			return rejection(err)
		}
		if granted.Upload == nil {
			return nil
		}
		err := c.put(ctx, *granted.Upload, file, settings)
		var refused *Error
		if renewed == renewals || !errors.As(err, &refused) || !refused.spent() {
			return err
		}
	}
}

// grantRequest is the body of the request for a grant.
type grantRequest struct {
	ContentType string `json:"contentType"`
	Bytes       int64  `json:"bytes"`
	SHA256      string `json:"sha256"`
	Filename    string `json:"filename,omitempty"`
	Preset      string `json:"preset,omitempty"`
	Secret      string `json:"secret"`
	Reference   string `json:"reference,omitempty"`
}

// describe reads a file and returns the request for its grant.
func describe(ctx context.Context, upload Upload, file File, settings Settings) (grantRequest, error) {
	if parsed, err := ParseSecret(upload.Secret); err != nil || parsed.ID != upload.ID {
		return grantRequest{}, errors.New("the upload has no secret, or not its own: use NewUpload or ParseSecret")
	}
	head := make([]byte, min(media.SniffLength, file.Bytes))
	if _, err := io.ReadFull(io.NewSectionReader(file.Content, 0, file.Bytes), head); err != nil {
		return grantRequest{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	digest := sha256.New()
	content := &content{ctx: ctx, Reader: io.NewSectionReader(file.Content, 0, file.Bytes), moved: func(done int64) {
		settings.report(Hashing, done, file.Bytes)
	}}
	n, err := io.Copy(digest, content)
	switch {
	case ctx.Err() != nil:
		return grantRequest{}, context.Cause(ctx)
	case err != nil:
		return grantRequest{}, fmt.Errorf("%w: %w", ErrUnreadable, err)
	case n != file.Bytes:
		return grantRequest{}, fmt.Errorf("%w: it has %d bytes instead of %d", ErrUnreadable, n, file.Bytes)
	}
	return grantRequest{
		ContentType: declare(file, head),
		Bytes:       file.Bytes,
		SHA256:      base64.StdEncoding.EncodeToString(digest.Sum(nil)),
		Filename:    cutName(file.Name),
		Preset:      settings.Preset,
		Secret:      upload.Secret,
		Reference:   settings.Reference,
	}, nil
}

func (s Settings) report(phase Phase, done, total int64) {
	if s.OnProgress != nil {
		s.OnProgress(Progress{phase, done, total})
	}
}

// rejection turns a refused grant into a [*RejectedError] if only the file is the reason.
func rejection(err error) error {
	var refused *Error
	if !errors.As(err, &refused) || len(refused.Fields) == 0 {
		return err
	}
	for _, field := range refused.Fields {
		if field.Code == "" {
			return err
		}
	}
	return &RejectedError{Rejection: Rejection{refused.Fields[0].Code, refused.Detail}}
}

// declare returns the type to declare: the given one, or that of the bytes, or of the name.
func declare(file File, head []byte) string {
	if file.ContentType != "" {
		return file.ContentType
	}
	if format, ok := media.Sniff(head); ok {
		return string(format)
	}
	if format, ok := formatOfName(file.Name); ok {
		return string(format)
	}
	return string(media.Undeclared)
}

// IsImageName reports whether a file name has an extension of an image that services accept.
func IsImageName(name string) bool {
	_, ok := formatOfName(name)
	return ok
}

func formatOfName(name string) (media.Format, bool) {
	extension := strings.ToLower(filepath.Ext(name))
	switch extension {
	case ".jpeg", ".jpe", ".jfif":
		return media.JPEG, true
	case ".tif":
		return media.TIFF, true
	case ".heics":
		return media.HEIC, true
	case ".hif":
		return media.HEIF, true
	}
	i := slices.IndexFunc(media.Accepted(), func(format media.Format) bool { return format.Extension() == extension })
	if i < 0 {
		return "", false
	}
	return media.Accepted()[i], true
}

// longestName is the length of the longest file name that the service takes, in bytes.
const longestName = 255

// cutName cuts a file name to what the service takes, but for its extension.
func cutName(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	if len(name) <= longestName {
		return name
	}
	extension := filepath.Ext(name)
	if len(extension) > 11 {
		extension = ""
	}
	end := longestName - len(extension)
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + extension
}
