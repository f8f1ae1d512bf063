package eventbus_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/presize/presize/internal/eventbus/eventbustest"
	"github.com/presize/presize/internal/media"
)

func events() []media.Event {
	manifest := media.Manifest{ID: media.NewID(), Rev: "0a1b2c3d", Preset: "photo", Status: media.Ready, Complete: true}
	return manifest.Events(media.Label{Owner: "<o>", Reference: "r"}, media.Private, time.Unix(1767366245, 0))
}

func TestEventsArriveAsTheyAre(t *testing.T) {
	bus, want := eventbustest.Start(t), events()
	if err := bus.EventBridge(nil).Notify(t.Context(), want...); err != nil {
		t.Fatal(err)
	}
	if got := bus.Events(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRefusedEntryIsAnError(t *testing.T) {
	bus := eventbustest.Start(t)
	bus.Refuse(1)
	err := bus.EventBridge(nil).Notify(t.Context(), events()...)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 failed: image.complete: ThrottlingException") {
		t.Errorf("got %v", err)
	}
}
