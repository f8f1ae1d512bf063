package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
	"github.com/presize/presize/worker/finished"
)

func TestStatusTellsWhatTheBucketsSay(t *testing.T) {
	u := newUploads(t)
	current, old := u.service.Presets[0], mustSketch(t, "79")[0]
	upload := func(status media.Status, preset media.Preset) media.ID {
		id := media.NewID()
		u.put(id)
		if status != "" {
			u.publish(id, status, preset)
		}
		return id
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	waiting, done, outdated := upload("", current), upload(media.Ready, current), upload(media.Ready, old)
	rejected, failed, broken, gone := upload(media.Rejected, current), upload(media.Failed, current), upload(media.Ready, current), upload(media.Ready, current)
	secluded := current
	secluded.Private = true
	private := upload(media.Ready, secluded) // its original is gone, so only what is published says that it is private
	check(u.Input.Delete(t.Context(), media.OriginalKey(private)))
	u.putVariants(outdated, current)
	check(u.Input.SetTags(t.Context(), media.OriginalKey(rejected), map[string]string{media.RejectedTag: "true"}))
	check(u.Output.Delete(t.Context(), keysOf(broken, current)[1]))
	check(u.Input.Delete(t.Context(), media.OriginalKey(gone)))

	for name, test := range map[string]struct {
		id      media.ID
		state   finished.State
		current bool
		want    []string
	}{
		"waiting":  {waiting, finished.Missing, false, []string{"original   5 bytes, declared as image/png, preset photo, put ", "manifest   none\n", "the worker has yet to finish, or has failed", "not tagged as rejected"}},
		"done":     {done, finished.Finished, true, []string{"state      finished\n", "ready and complete; revision " + current.Rev() + ", which is current; put ", "2 of 2 that the manifest names are there\n"}},
		"outdated": {outdated, finished.Outdated, false, []string{"a backfill renders it again", "revision " + old.Rev() + ", which is old", "2 variants of " + current.Rev() + ", which the manifest does not name"}},
		"rejected": {rejected, finished.Finished, true, []string{"rejected as corrupt: The file is damaged.", "0 of 0 that", "tagged " + media.RejectedTag + "=true and expires"}},
		"failed":   {failed, finished.Unfinished, true, []string{"manifest   failed; revision"}},
		"broken":   {broken, finished.Finished, true, []string{"1 of 2 that the manifest names are there", "missing    " + keysOf(broken, current)[1]}},
		"private":  {private, "", true, []string{"original   gone\n", "ready and complete", "2 of 2 that"}},
		"gone":     {gone, "", true, []string{"original   gone\n", "ready and complete", "2 of 2 that"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := u.service.status(t.Context(), test.id)
			if err != nil || got.State != test.state || got.Current != test.current {
				t.Errorf("got state %q, current %v, %v", got.State, got.Current, err)
			}
			text := got.String()
			for _, want := range append(test.want, "upload     "+string(test.id)+"\n", fmt.Sprintf("filter id = '%s'", test.id), "/aws/lambda/presize-test-worker", "aws logs start-query") {
				if !strings.Contains(text, want) {
					t.Errorf("it does not say %q:\n%s", want, text)
				}
			}
			document, err := json.Marshal(got)
			if err != nil || !strings.Contains(string(document), `"id":"`+string(test.id)+`"`) {
				t.Errorf("JSON %s, %v", document, err)
			}
		})
	}
	if _, err := u.service.status(t.Context(), media.NewID()); err == nil || !strings.Contains(err.Error(), "there is no upload") {
		t.Errorf("unknown: %v", err)
	}
	u.transport.Restart(nil)
	_, err := u.service.status(t.Context(), done)
	check(err)
	for n := range u.transport.Sent("") {
		step, injected := faulttest.At(n+1, faulttest.Faults()["before it took effect"], func() {})
		u.transport.Restart(step)
		if _, err := u.service.status(t.Context(), done); !errors.Is(err, faulttest.ErrInjected) || !injected() {
			t.Errorf("request %d failed: %v", n+1, err)
		}
	}
}
