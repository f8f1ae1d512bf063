package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

// everyState puts an upload in every state and returns the ids of those that are not
// finished, and of all, in order.
func (u *uploads) everyState() (unfinished, all []media.ID) {
	u.Helper()
	current, old := u.service.Presets[0], mustSketch(u.T, "79")[0]
	for _, state := range []struct {
		status   media.Status // "": no manifest
		preset   media.Preset
		finished bool
	}{
		{media.Ready, current, true},
		{media.Rejected, current, true},
		{media.Failed, current, false},
		{media.Ready, old, false},
		{media.Rejected, old, false},
		{"", current, false},
	} {
		id := media.NewID()
		u.put(id)
		if state.status != "" {
			u.publish(id, state.status, state.preset)
		}
		all = append(all, id)
		if !state.finished {
			unfinished = append(unfinished, id)
		}
	}
	slices.Sort(all)
	slices.Sort(unfinished)
	return unfinished, all
}

func TestBackfillQueuesWhatIsNotFinished(t *testing.T) {
	u := newUploads(t)
	unfinished, all := u.everyState()
	file := filepath.Join(t.TempDir(), "checkpoint.json")
	for _, test := range []struct {
		all  bool
		want []media.ID
	}{{false, unfinished}, {true, all}} {
		b := u.newBackfill(file)
		b.all = test.all
		got, err := b.run(t.Context())
		want := counts{Seen: len(all), Finished: len(all) - len(test.want), Queued: len(test.want)}
		if err != nil || got != want {
			t.Errorf("counts %+v, %v, want %+v", got, err, want)
		}
		if ids := u.taken(); !slices.Equal(ids, test.want) {
			t.Errorf("queued %q, want %q", ids, test.want)
		}
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the checkpoint is still there: %v", err)
		}
	}
}

func TestDryRunQueuesNothingAndListsWhatItWould(t *testing.T) {
	u := newUploads(t)
	unfinished, all := u.everyState()
	var listed []media.ID
	b := &backfill{service: u.service, dryRun: true, progress: silent{}, listed: func(e entry) error {
		if e.State == "" || e.State == finished.Finished {
			t.Errorf("listed %+v", e)
		}
		listed = append(listed, e.ID)
		return nil
	}}
	got, err := b.run(t.Context())
	if want := (counts{Seen: len(all), Finished: len(all) - len(unfinished), Queued: len(unfinished), DryRun: true}); err != nil || got != want {
		t.Errorf("counts %+v, %v, want %+v", got, err, want)
	}
	slices.Sort(listed)
	if !slices.Equal(listed, unfinished) || len(u.taken()) > 0 {
		t.Errorf("listed %q, want %q", listed, unfinished)
	}
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestCheckpointNeverPassesWhatIsUnderWay holds the message of the second original
// until all others are done, and then cuts it off.
func TestCheckpointNeverPassesWhatIsUnderWay(t *testing.T) {
	u := newUploads(t)
	var ids []media.ID
	for range 5 {
		ids = append(ids, media.NewID())
		u.put(ids[len(ids)-1])
	}
	slices.SortFunc(ids, func(a, b media.ID) int { return strings.Compare(string(a), string(b)) })
	healthy, others := u.service.sqs, make(chan struct{}, len(ids))
	u.service.sqs = sqs.New(healthy.Options(), func(o *sqs.Options) {
		o.HTTPClient = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if !bytes.Contains(body, []byte(ids[1])) {
				defer func() { others <- struct{}{} }()
				return http.DefaultTransport.RoundTrip(r)
			}
			for range len(ids) - 1 {
				<-others
			}
			return nil, faulttest.ErrInjected
		})}
	})
	file := filepath.Join(t.TempDir(), "checkpoint.json")
	if _, err := u.newBackfill(file).run(t.Context()); !errors.Is(err, faulttest.ErrInjected) {
		t.Fatal(err)
	}
	if got := u.taken(); len(got) != len(ids)-1 {
		t.Errorf("queued %q", got)
	}
	u.service.sqs = healthy
	if key, want := u.newBackfill(file).counts().Key, media.OriginalKey(ids[0]); key != want {
		t.Errorf("the checkpoint is at %s, want %s", key, want)
	}
	if _, err := u.newBackfill(file).run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := u.taken(); !slices.Equal(got, ids[1:]) {
		t.Errorf("queued %q, want %q", got, ids[1:])
	}
}

func TestCheckpointOfAnotherTaskIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "checkpoint.json")
	mine := task{Bucket: "in", Revs: map[string]string{"photo": "01234567"}}
	c, err := openCheckpoint(file, mine)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.advance(counts{Key: "originals/a", Seen: 3, Queued: 2}); err != nil {
		t.Fatal(err)
	}
	if again, err := openCheckpoint(file, mine); err != nil || again.Counts != c.Counts {
		t.Errorf("the same task: %+v, %v", again, err)
	}
	for name, other := range map[string]task{
		"another bucket":      {Bucket: "other", Revs: mine.Revs},
		"finished ones too":   {Bucket: "in", Revs: mine.Revs, All: true},
		"another revision":    {Bucket: "in", Revs: map[string]string{"photo": "76543210"}},
		"one preset more":     {Bucket: "in", Revs: map[string]string{"photo": "01234567", "card": "01234567"}},
		"no presets":          {Bucket: "in"},
		"preset renamed":      {Bucket: "in", Revs: map[string]string{"card": "01234567"}},
		"everything is other": {},
	} {
		if _, err := openCheckpoint(file, other); err == nil || !strings.Contains(err.Error(), "delete it to begin anew") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openCheckpoint(file, mine); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a torn file: %v", err)
	}
}
