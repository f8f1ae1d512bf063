package vips

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestTasksRunByClassThenLargestFirst(t *testing.T) {
	var order []string
	named := func(name string, class int, cost int64) task {
		return task{class, cost, func() error { order = append(order, name); return nil }}
	}
	s := newSchedule()
	s.add(task{class: resizing, run: func() error {
		s.add(named("slow", slowCodec, 9))
		s.add(named("small", quickCodec, 1))
		s.add(named("large", quickCodec, 2))
		s.add(named("next size", resizing, 0))
		return nil
	}})
	if err := s.run(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	if want := []string{"next size", "large", "small", "slow"}; !slices.Equal(order, want) {
		t.Errorf("got %q, want %q", order, want)
	}
}

func TestAfterAnErrorNothingStarts(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		first task
		want  string
	}{
		"error": {task{run: func() error { return broken }}, "broken"},
		"panic": {task{run: func() error { panic("oh") }}, "panic: oh"},
	} {
		s := newSchedule()
		s.add(test.first)
		s.add(task{class: slowCodec, run: func() error { t.Errorf("%s: a task started", name); return nil }})
		if err := s.run(context.Background(), 1); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
