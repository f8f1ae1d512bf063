package worker

import (
	"reflect"
	"strings"
	"testing"

	"github.com/presize/presize/internal/invalidation/invalidationtest"
	"github.com/presize/presize/internal/media"
)

func TestRemovalInvalidatesOnceHoweverOftenItsEventComes(t *testing.T) {
	h := newHarness(t, sketch(t, 80))
	c := invalidationtest.Start(t)
	h.config.Invalidator = c.Distribution(nil)
	id := media.NewID()
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	if got := c.Invalidated(); got != nil {
		t.Errorf("publishing invalidated %q", got)
	}
	h.remove(id)
	c.SetDown(true)
	if err := h.handle(t.Context(), deleted(id)); err == nil || !strings.Contains(err.Error(), "TooManyInvalidationsInProgress") {
		t.Errorf("got %v", err)
	}
	c.SetDown(false)
	for range 3 {
		h.mustHandle(deleted(id))
	}
	batch := []string{"/i/" + string(id) + "/*"}
	if got := c.Invalidated(); !reflect.DeepEqual(got, [][]string{batch}) || c.Requests() != 4 {
		t.Errorf("%d requests invalidated %q", c.Requests(), got)
	}
	h.put(id, "image/png", nil, drawing(t, 0))
	h.mustHandle(created(id))
	h.remove(id)
	h.mustHandle(created(id)) // another event, and another removal
	if got := c.Invalidated(); !reflect.DeepEqual(got, [][]string{batch, batch}) {
		t.Errorf("invalidated %q", got)
	}
}
