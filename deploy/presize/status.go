package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

const statusUsage = `say what the buckets know of one upload

  presize status --stage prod mzxw6ytboi2gk3tdmuqhg5dbna
  presize status --local mzxw6ytboi2gk3tdmuqhg5dbna

The id is in the URL of every image of the upload. status says what the original is,
how far the worker is with it, which variants are there and which are missing, and gives
the query that finds the upload in the logs. It fails if there is no such upload.

IAM actions: cloudformation:DescribeStacks on the stack; on the input bucket
s3:ListBucket, and s3:GetObject and s3:GetObjectTagging on originals/*; on the output
bucket s3:ListBucket, and s3:GetObject on i/*/manifest.json and p/*/manifest.json. The
query needs logs:StartQuery and logs:GetQueryResults.
`

func runStatus(ctx context.Context, c *call) error {
	c.localFlag()
	arguments, err := c.parse("ID")
	if err != nil {
		return err
	}
	id, err := media.ParseID(arguments[0])
	if err != nil {
		return fmt.Errorf("%w: %q: %w: want 26 letters and digits", errUsage, arguments[0], err)
	}
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	status, err := s.status(ctx, id)
	if err != nil {
		return s.explain(err)
	}
	if c.json {
		return c.document(status)
	}
	_, err = fmt.Fprint(c.stdout, status)
	return err
}

// status is what is known of an upload.
type status struct {
	ID        media.ID        `json:"id"`
	Original  *originalStatus `json:"original"` // null: it is gone
	State     finished.State  `json:"state,omitempty"`
	Manifest  *media.Manifest `json:"manifest"`           // null: there is none that can be read
	Published time.Time       `json:"published,omitzero"` // when the manifest was put
	Current   bool            `json:"current"`            // the manifest's revision is
	Missing   []string        `json:"missing"`            // keys of variants that the manifest names
	Others    map[string]int  `json:"others"`             // variants that it does not name, by revision
	Logs      logsQuery       `json:"logs"`
}

type originalStatus struct {
	Bytes       int64     `json:"bytes"`
	ContentType string    `json:"contentType"` // as declared
	Preset      string    `json:"preset"`
	Rev         string    `json:"rev"` // the current one of the preset
	Put         time.Time `json:"put"`
	Expires     bool      `json:"expires"` // it is tagged as rejected
}

// status looks at an upload. It fails if there is none.
func (s service) status(ctx context.Context, id media.ID) (status, error) {
	st := status{ID: id, Others: make(map[string]int), Logs: s.logs(id)}
	upload, err := s.Look(ctx, id)
	gone := errors.Is(err, bucket.ErrNotFound)
	if err != nil && !gone {
		return st, err
	}
	if !gone {
		tags, err := s.Input.Tags(ctx, upload.Original.Key)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return st, err
		}
		st.State, st.Manifest = upload.State, upload.Manifest
		st.Original = &originalStatus{
			Bytes:       upload.Original.Size,
			ContentType: upload.Original.ContentType,
			Preset:      upload.Preset.Name,
			Rev:         upload.Preset.Rev(),
			Put:         upload.Original.Modified,
			Expires:     tags[media.RejectedTag] == "true",
		}
	}
	found, err := s.lookAtPublished(ctx, id, &st)
	if err == nil && gone && !found {
		err = fmt.Errorf("there is no upload %s: neither an original nor anything published", id)
	}
	return st, err
}

// lookAtPublished adds to a status what is published in either area, and reports whether
// anything is.
func (s service) lookAtPublished(ctx context.Context, id media.ID, st *status) (found bool, _ error) {
	if err := s.readManifest(ctx, id, st); err != nil {
		return false, err
	}
	missing := make(map[string]bool)
	if st.Manifest != nil {
		st.Current = s.isCurrent(*st.Manifest, st.Original)
		for _, variant := range st.Manifest.Variants {
			missing[strings.TrimPrefix(variant.URL, "/")] = true
		}
	}
	for _, area := range media.Areas() {
		for object, err := range s.Output.List(ctx, area.Prefix(id)) {
			if err != nil {
				return false, err
			}
			found = true
			_, _, rev, _ := media.ParseImageKey(object.Key)
			switch {
			case object.Key == area.ManifestKey(id):
				st.Published = object.Modified
			case missing[object.Key]:
				delete(missing, object.Key)
			default:
				st.Others[cmp.Or(rev, object.Key)]++
			}
		}
	}
	st.Missing = slices.Sorted(maps.Keys(missing))
	return found, nil
}

// readManifest reads the manifest of an upload whose original is gone: the preset, and
// with it the area, is not known then.
func (s service) readManifest(ctx context.Context, id media.ID, st *status) error {
	for _, area := range media.Areas() {
		if st.Manifest != nil {
			break
		}
		document, _, err := s.Output.Get(ctx, area.ManifestKey(id), media.MaxManifest)
		if err != nil && !errors.Is(err, bucket.ErrNotFound) {
			return err
		}
		if manifest, err := media.ParseManifest(document); err == nil {
			st.Manifest = &manifest
		}
	}
	return nil
}

// isCurrent reports whether a manifest has the current revision of the original's
// preset, or of its own where the original is gone.
func (s service) isCurrent(manifest media.Manifest, original *originalStatus) bool {
	if original != nil {
		return manifest.Rev == original.Rev
	}
	preset, ok := s.Presets.Find(manifest.Preset)
	return ok && manifest.Rev == preset.Rev()
}
