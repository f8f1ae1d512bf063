// Package finished says when the worker has nothing left to do for an original. It
// needs no libvips, so that programs that only ask can be built without it.
//
// An original is finished when its manifest is a manifest of this very original, of
// the current revision of its preset, and complete or rejected.
package finished

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

// MetadataName is the metadata that ties a manifest to its original. It is not in
// the document, which is for clients.
const MetadataName = "original"

// Identity tells apart the originals that one id had one after the other. It says what
// the worker makes of an original: its bytes, and the preset that was asked for. When
// the original was put is no part of it, because that changes where an original is
// restored, or copied to another bucket and back. Such a one is not rendered again.
//
// For objects that S3 encrypts with its own keys, which is what the input bucket does,
// the ETag of one PUT is the MD5 of the bytes, and CopyObject keeps it:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
// A copy in parts gets another ETag, and is rendered again. A stored SHA-256 would add
// nothing: not every client sends one, and a copy in parts loses it too. Two files of one
// MD5 and size can be made, but only for one's own id, as each id needs its secret.
//
// The same bytes can be put again after a removal that has taken some variants along. So
// the worker believes no manifest before it has seen that all its variants are there.
func Identity(original bucket.Info) string {
	label := media.ParseLabel(original.Metadata)
	recipe := sha256.Sum256(fmt.Appendf(nil, "%q %t", label.Preset, label.Private))
	return fmt.Sprintf("%s %d %x", original.ETag, original.Size, recipe[:4])
}

// Preset returns the preset that the client asked for. It reports false where there
// is no such preset: then it is the default one. The API lets no unknown name pass,
// but an original may also be put by hand, or be older than the presets.
func Preset(original bucket.Info, presets media.Presets) (media.Preset, bool) {
	label := media.ParseLabel(original.Metadata)
	preset, found := presets.Of(label)
	return preset, found || label.Preset == ""
}

// State is how far the worker is with an original.
type State string

// The states. A job is needed for all of them but Finished.
const (
	Missing    State = "missing"    // there is no manifest
	Replaced   State = "replaced"   // the manifest is of an earlier original under the same id
	Unfinished State = "unfinished" // the manifest is failed, not complete, or can't be read
	Outdated   State = "outdated"   // the manifest is complete or rejected, but of an earlier revision
	Finished   State = "finished"
)

// Judge returns the state of an original whose manifest is there. The document and
// the info are what [bucket.Bucket.Get] returns for the manifest's key. The manifest
// is nil if the document can't be read.
func Judge(original bucket.Info, preset media.Preset, document []byte, info bucket.Info) (State, *media.Manifest) {
	manifest, err := media.ParseManifest(document)
	switch {
	case info.Metadata[MetadataName] != Identity(original):
		if err != nil {
			return Replaced, nil
		}
		return Replaced, &manifest
	case err != nil:
		return Unfinished, nil
	case manifest.Status != media.Rejected && !(manifest.Status == media.Ready && manifest.Complete):
		return Unfinished, &manifest
	case manifest.Rev != preset.Rev():
		return Outdated, &manifest
	default:
		return Finished, &manifest
	}
}

// Uploads are the uploads of one service.
type Uploads struct {
	Input   *bucket.Bucket // the originals
	Output  *bucket.Bucket // what is published
	Presets media.Presets
}

// Upload is what the buckets say of an upload.
type Upload struct {
	Original bucket.Info
	Preset   media.Preset
	State    State
	Manifest *media.Manifest // nil if there is none, or none that can be read
}

// Look returns an upload. It fails with [bucket.ErrNotFound] if there is no original.
func (u Uploads) Look(ctx context.Context, id media.ID) (Upload, error) {
	original, err := u.Input.Head(ctx, media.OriginalKey(id))
	if err != nil {
		return Upload{}, err
	}
	upload := Upload{Original: original, State: Missing}
	upload.Preset, _ = Preset(original, u.Presets)
	document, info, err := u.Output.Get(ctx, upload.Preset.Area().ManifestKey(id), media.MaxManifest)
	if errors.Is(err, bucket.ErrNotFound) {
		return upload, nil
	}
	if err != nil {
		return Upload{}, err
	}
	upload.State, upload.Manifest = Judge(original, upload.Preset, document, info)
	return upload, nil
}
