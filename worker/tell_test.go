package worker

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/presize/presize/internal/eventbus/eventbustest"
	"github.com/presize/presize/internal/faulttest"
	"github.com/presize/presize/internal/media"
)

// listen gives the worker a bus behind the same wire as the buckets.
func (h *harness) listen() *eventbustest.Bus {
	bus := eventbustest.Start(h.T)
	h.config.Notifier = bus.EventBridge(h.wire)
	return bus
}

// expectTrue fails the test unless what an event tells is true at this moment.
func (h *harness) expectTrue(event media.Event) {
	h.Helper()
	if event.Type == media.ImageDeleted {
		h.expect(event.Data.ID, nil)
		return
	}
	m := h.manifest(event.Data.ID)
	if m == nil {
		h.Errorf("told %s, and there is no manifest", event.Type)
		return
	}
	var true []media.EventType
	for _, e := range m.Events(media.Label{}, media.Public, event.Timestamp) {
		true = append(true, e.Type)
	}
	if !slices.Contains(true, event.Type) || m.Rev != event.Data.Rev {
		h.Errorf("told %s of %s, true is %q of %s", event.Type, event.Data.Rev, true, m.Rev)
	}
}

// expectTold fails the test unless the bus has each of these events at least once, with
// the same id each time, and no others.
func (h *harness) expectTold(bus *eventbustest.Bus, want ...media.EventType) {
	h.Helper()
	ids := make(map[media.EventType]string)
	for _, event := range bus.Events() {
		if id := ids[event.Type]; id != "" && id != event.Data.EventID {
			h.Errorf("%s came as %s and as %s", event.Type, id, event.Data.EventID)
		}
		ids[event.Type] = event.Data.EventID
		if !slices.Contains(want, event.Type) {
			h.Errorf("told %s", event.Type)
		}
	}
	for _, kind := range want {
		if ids[kind] == "" {
			h.Errorf("not told %s", kind)
		}
	}
}

// handleFaulty handles an event whose n-th request goes wrong. It reports whether there
// were as many requests, and returns the job's error.
func (h *harness) handleFaulty(fault faulttest.Fault, n int, event json.RawMessage) (injected bool, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	step, happened := faulttest.At(n, fault, cancel)
	h.wire.Restart(step)
	defer h.wire.Restart(nil)
	err = h.try(ctx, event)
	return happened(), err
}

func TestFailureIsTold(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	bus := h.listen()
	bus.Restart(h.expectTrue)
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.config.Renderer = h.deadRenderer()
	if err := h.handle(t.Context(), created(id)); err == nil {
		t.Error("no error")
	}
	h.expectTold(bus, media.ImageFailed)
}

func TestRepeatedEventIsToldAgainWithTheSameIDs(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	bus := h.listen()
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	for range 2 {
		h.mustHandle(created(id))
	}
	h.expectTold(bus, media.ImageReady, media.ImageComplete)
	if got := len(bus.Events()); got != 4 {
		t.Errorf("told %d times, want 4", got)
	}
}

// One request to EventBridge that fails costs no second rendering.
func TestReadyThatCouldNotBeToldIsToldWithComplete(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	bus := h.listen()
	bus.Refuse(1)
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.expectTold(bus, media.ImageReady, media.ImageComplete)
}

func TestDeletionOfWhatWasNeverToldIsNotTold(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.remove(id)
	bus := h.listen()
	h.mustHandle(deleted(id))
	h.expectTold(bus)
}
