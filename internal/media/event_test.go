package media_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/media"
)

var storedAt = time.Date(2026, 1, 2, 15, 4, 5, 999, time.UTC)

// everyEvent returns one event of each type, by the name of its golden file.
func everyEvent() map[string]media.Event {
	label := media.Label{Owner: "auth0|5f7c", Reference: "listing 17 <front>"}
	whole := wholeManifest()
	of := func(change func(*media.Manifest), area media.Area) []media.Event {
		m := whole
		change(&m)
		return m.Events(label, area, storedAt)
	}
	complete := of(func(*media.Manifest) {}, media.Public)
	deleted := complete[1].Deletion()
	deleted.Timestamp = complete[0].Timestamp
	return map[string]media.Event{
		"ready":    complete[0],
		"complete": complete[1],
		"rejected": of(func(m *media.Manifest) {
			m.Status, m.Complete, m.Rejection = media.Rejected, false, media.Reject(media.Truncated, "The end of the file is missing.")
		}, media.Public)[0],
		"failed":  of(func(m *media.Manifest) { m.Status, m.Complete = media.Failed, false }, media.Private)[0],
		"deleted": deleted,
	}
}

func TestEventsAreTheDocumentsOfTheContract(t *testing.T) {
	var kinds []media.EventType
	for name, event := range everyEvent() {
		document, err := event.Encode()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "event-"+name+".golden", anyRev(string(document))+"\n")
		kinds = append(kinds, event.Type)
	}
	if want := media.EventTypes(); len(kinds) != len(want) || slices.ContainsFunc(want, func(k media.EventType) bool { return !slices.Contains(kinds, k) }) {
		t.Errorf("there are events of %q, want %q", kinds, want)
	}
}

func TestEventsRoundTrip(t *testing.T) {
	for name, event := range everyEvent() {
		document, err := event.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := media.ParseEvent(document); err != nil || !reflect.DeepEqual(got, event) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, event)
		}
	}
}

func TestManifestTellsEverythingThatIsTrue(t *testing.T) {
	for name, test := range map[string]struct {
		manifest media.Manifest
		want     string
	}{
		"processing": {media.Manifest{Status: media.Processing}, ""},
		"ready":      {media.Manifest{Status: media.Ready}, "image.ready"},
		"complete":   {media.Manifest{Status: media.Ready, Complete: true}, "image.ready image.complete"},
		"rejected":   {media.Manifest{Status: media.Rejected}, "image.rejected"},
		"failed":     {media.Manifest{Status: media.Failed}, "image.failed"},
	} {
		var kinds []string
		for _, event := range test.manifest.Events(media.Label{}, media.Public, storedAt) {
			kinds = append(kinds, string(event.Type))
		}
		if got := strings.Join(kinds, " "); got != test.want {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}

// The label is what S3 takes as metadata, and every byte of it can need six in JSON.
func TestLargestEventIsSmall(t *testing.T) {
	m := wholeManifest()
	m.Status, m.Rejection = media.Rejected, media.Reject(media.Refused, "%s", strings.Repeat("\x01", media.MaxDetail))
	label := media.Label{Preset: m.Preset, Owner: strings.Repeat("\x01", media.MaxOwner), Reference: strings.Repeat("\x01", media.MaxReference)}
	document, err := m.Events(label, media.Public, storedAt)[0].Encode()
	if err != nil || len(document) > media.MaxEvent {
		t.Errorf("%d bytes, %v; want at most %d", len(document), err, media.MaxEvent)
	}
}

func TestBrokenEventsAreRefused(t *testing.T) {
	for _, document := range []string{
		``, `{}`, `[]`, `{"type":"image.ready","data":{"eventId":"a","id":"../x"}}`,
		`{"data":{"eventId":"a","id":"` + string(testID) + `"}}`,
		`{"type":"image.ready","data":{"id":"` + string(testID) + `"}}`,
	} {
		if got, err := media.ParseEvent([]byte(document)); err == nil {
			t.Errorf("%s: got %+v", document, got)
		}
	}
}
