package media

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// EventType says what has become true of an upload.
type EventType string

// The types of events.
const (
	ImageReady    EventType = "image.ready"    // every quick variant is published
	ImageComplete EventType = "image.complete" // every variant is published
	ImageRejected EventType = "image.rejected" // permanent: see EventData.Rejection
	ImageFailed   EventType = "image.failed"   // our fault, for now
	ImageDeleted  EventType = "image.deleted"  // nothing of it is published any more
)

// EventTypes lists the types of events.
func EventTypes() []EventType {
	return []EventType{ImageReady, ImageComplete, ImageRejected, ImageFailed, ImageDeleted}
}

// Deleted is the status in the event of a deleted upload. No manifest has it.
const Deleted Status = "deleted"

// MaxEvent is far more than any event has as JSON, in bytes.
const MaxEvent = 20 << 10

// Event is what the backend is told. The document is the same on EventBridge, whose
// detail-type and detail are its type and data, and in the body of a webhook.
type Event struct {
	Type      EventType `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it became true, in UTC, to the second
	Data      EventData `json:"data"`
}

// EventData describes the upload. Every field is always there.
type EventData struct {
	// EventID is the same each time that an event is sent: receivers deduplicate by it.
	EventID     string     `json:"eventId"`
	ID          ID         `json:"id"`
	Rev         string     `json:"rev"`
	Preset      string     `json:"preset"`
	Status      Status     `json:"status"`
	Complete    bool       `json:"complete"`
	Owner       string     `json:"owner"`     // "" without sign-in
	Reference   string     `json:"reference"` // the app's own string
	Original    *Original  `json:"original"`
	Rejection   *Rejection `json:"rejection"` // with status Rejected
	ManifestURL string     `json:"manifestUrl"`
	StatusURL   string     `json:"statusUrl"`
}

// Events returns everything that a manifest makes true. A complete one is also ready. The
// label is the original's, and at is when the manifest was stored. The URLs have no
// signature: a private upload's can be opened with one only, which its status has.
func (m Manifest) Events(label Label, area Area, at time.Time) []Event {
	of := func(kind EventType, name string) Event {
		return Event{Type: kind, Timestamp: at.UTC().Truncate(time.Second), Data: EventData{
			EventID:     string(m.ID) + "." + m.Rev + "." + name,
			ID:          m.ID,
			Rev:         m.Rev,
			Preset:      m.Preset,
			Status:      m.Status,
			Complete:    kind == ImageComplete,
			Owner:       label.Owner,
			Reference:   label.Reference,
			Original:    m.Original,
			Rejection:   m.Rejection,
			ManifestURL: URL(area.ManifestKey(m.ID)),
			StatusURL:   StatusURL(m.ID),
		}}
	}
	switch {
	case m.Status == Ready && m.Complete:
		return []Event{of(ImageReady, "ready"), of(ImageComplete, "complete")}
	case m.Status == Ready:
		return []Event{of(ImageReady, "ready")}
	case m.Status == Rejected:
		return []Event{of(ImageRejected, "rejected")}
	case m.Status == Failed:
		return []Event{of(ImageFailed, "failed")}
	default:
		return nil
	}
}

// Deletion returns the event of the deletion of e's upload. The caller sets its Timestamp.
func (e Event) Deletion() Event {
	e.Type, e.Timestamp = ImageDeleted, time.Time{}
	e.Data.EventID = string(e.Data.ID) + "." + e.Data.Rev + ".deleted"
	e.Data.Status, e.Data.Complete, e.Data.Rejection = Deleted, false, nil
	return e
}

// Encode returns the event as JSON in one line.
func (e Event) Encode() ([]byte, error) {
	document, err := encodeLine(e)
	if err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return document, nil
}

// Encode returns the data as JSON in one line.
func (d EventData) Encode() ([]byte, error) {
	document, err := encodeLine(d)
	if err != nil {
		return nil, fmt.Errorf("encode event data: %w", err)
	}
	return document, nil
}

func encodeLine(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // signed and shown as it is, never part of a page
	err := encoder.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// ParseEvent is the inverse of [Event.Encode]. It refuses a document that no worker can
// have written.
func ParseEvent(document []byte) (Event, error) {
	var e Event
	if err := json.Unmarshal(document, &e); err != nil {
		return Event{}, fmt.Errorf("parse event: %w", err)
	}
	if _, err := ParseID(string(e.Data.ID)); err != nil {
		return Event{}, fmt.Errorf("parse event: %w", err)
	}
	if e.Type == "" || e.Data.EventID == "" {
		return Event{}, fmt.Errorf("parse event: no type or no eventId")
	}
	return e, nil
}
