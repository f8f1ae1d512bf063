package finished_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/internal/media/mediatest"
	"github.com/presize/presize/internal/s3local/s3test"
	"github.com/presize/presize/worker/finished"
)

func TestStateOfAnOriginal(t *testing.T) {
	env := s3test.Start(t, nil)
	uploads := finished.Uploads{Input: env.Input, Output: env.Output, Presets: mediatest.Presets()}
	rev := mediatest.Preset("avatar").Rev()
	manifest := func(m media.Manifest) []byte {
		m.ID = media.NewID()
		document, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	complete := manifest(media.Manifest{Status: media.Ready, Complete: true, Rev: rev})
	rejection := media.Reject(media.Corrupt, "broken")
	for name, test := range map[string]struct {
		document []byte // nil: there is no manifest
		replaced bool   // the manifest is of an earlier original
		want     finished.State
	}{
		"no manifest":              {nil, false, finished.Missing},
		"complete":                 {complete, false, finished.Finished},
		"rejected":                 {manifest(media.Manifest{Status: media.Rejected, Rev: rev, Rejection: rejection}), false, finished.Finished},
		"ready":                    {manifest(media.Manifest{Status: media.Ready, Rev: rev}), false, finished.Unfinished},
		"failed":                   {manifest(media.Manifest{Status: media.Failed, Rev: rev}), false, finished.Unfinished},
		"failed but complete":      {manifest(media.Manifest{Status: media.Failed, Complete: true, Rev: rev}), false, finished.Unfinished},
		"processing":               {manifest(media.Manifest{Status: media.Processing, Rev: rev}), false, finished.Unfinished},
		"unreadable":               {[]byte("{"), false, finished.Unfinished},
		"complete, old revision":   {manifest(media.Manifest{Status: media.Ready, Complete: true, Rev: "01234567"}), false, finished.Outdated},
		"rejected, old revision":   {manifest(media.Manifest{Status: media.Rejected, Rev: "01234567", Rejection: rejection}), false, finished.Outdated},
		"failed, old revision":     {manifest(media.Manifest{Status: media.Failed, Rev: "01234567"}), false, finished.Unfinished},
		"complete, other preset":   {manifest(media.Manifest{Status: media.Ready, Complete: true, Rev: mediatest.Preset("photo").Rev()}), false, finished.Outdated},
		"complete, other original": {complete, true, finished.Replaced},
		"unreadable, other":        {[]byte("{"), true, finished.Replaced},
	} {
		t.Run(name, func(t *testing.T) {
			id := media.NewID()
			original := bucket.Info{Key: media.OriginalKey(id), ContentType: "image/png", Metadata: map[string]string{"preset": "avatar"}}
			if err := env.Input.Put(t.Context(), original, []byte("bytes")); err != nil {
				t.Fatal(err)
			}
			original, err := env.Input.Head(t.Context(), original.Key)
			if err != nil {
				t.Fatal(err)
			}
			if test.document != nil {
				info := bucket.Info{Key: media.ManifestKey(id), ContentType: "application/json"}
				info.Metadata = map[string]string{finished.MetadataName: finished.Identity(original)}
				if test.replaced {
					info.Metadata[finished.MetadataName] = `"0" 5 01234567`
				}
				if err := env.Output.Put(t.Context(), info, test.document); err != nil {
					t.Fatal(err)
				}
			}
			upload, err := uploads.Look(t.Context(), id)
			if err != nil || upload.State != test.want || upload.Preset.Name != "avatar" {
				t.Errorf("got %q with preset %s, %v, want %q", upload.State, upload.Preset.Name, err, test.want)
			}
			if readable := len(test.document) > 1; (upload.Manifest != nil) != readable {
				t.Errorf("manifest %+v", upload.Manifest)
			}
		})
	}
	if _, err := uploads.Look(t.Context(), media.NewID()); !errors.Is(err, bucket.ErrNotFound) {
		t.Errorf("without an original: %v", err)
	}
}

func TestUnknownPresetIsTheDefault(t *testing.T) {
	for name, test := range map[string]struct {
		metadata map[string]string
		want     string
		known    bool
	}{
		"none":    {nil, media.DefaultPreset, true},
		"known":   {map[string]string{"preset": "card"}, "card", true},
		"unknown": {map[string]string{"preset": "gone"}, media.DefaultPreset, false},
	} {
		t.Run(name, func(t *testing.T) {
			preset, known := finished.Preset(bucket.Info{Metadata: test.metadata}, mediatest.Presets())
			if preset.Name != test.want || known != test.known {
				t.Errorf("got %s, %v", preset.Name, known)
			}
		})
	}
}

func TestOnlyBytesAndPresetIdentifyAnOriginal(t *testing.T) {
	original := bucket.Info{ETag: `"a"`, Size: 4, Metadata: map[string]string{"preset": "card"}}
	for name, test := range map[string]struct {
		change func(*bucket.Info)
		same   bool
	}{
		"later":               {func(o *bucket.Info) { o.Modified = time.Now() }, true},
		"another key":         {func(o *bucket.Info) { o.Key = "copies/1" }, true},
		"another reference":   {func(o *bucket.Info) { o.Metadata["reference"] = "b2s" }, true},
		"tagged":              {func(o *bucket.Info) { o.Tagged = true }, true},
		"other bytes":         {func(o *bucket.Info) { o.ETag = `"b"` }, false},
		"another size":        {func(o *bucket.Info) { o.Size = 5 }, false},
		"another preset":      {func(o *bucket.Info) { o.Metadata["preset"] = "avatar" }, false},
		"asked to be private": {func(o *bucket.Info) { o.Metadata["private"] = "true" }, false},
		"without metadata":    {func(o *bucket.Info) { o.Metadata = nil }, false},
	} {
		t.Run(name, func(t *testing.T) {
			other := original
			other.Metadata = maps.Clone(original.Metadata)
			test.change(&other)
			if same := finished.Identity(other) == finished.Identity(original); same != test.same {
				t.Errorf("%s and %s", finished.Identity(other), finished.Identity(original))
			}
		})
	}
}
