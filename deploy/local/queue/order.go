package queue

import "time"

// entry is a message in its queue. Its own time of visibility counts: that of the message
// is the one in the file, which does not know that the message is being worked on.
type entry struct {
	Message
	visible  time.Time
	sequence int // of its arrival
	index    int // in the heap
}

// byVisibility is a heap: first the message that becomes visible first.
type byVisibility []*entry

func (h byVisibility) Len() int { return len(h) }

func (h byVisibility) Less(i, j int) bool {
	if h[i].visible.Equal(h[j].visible) {
		return h[i].sequence < h[j].sequence
	}
	return h[i].visible.Before(h[j].visible)
}

func (h byVisibility) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *byVisibility) Push(x any) {
	e := x.(*entry)
	e.index = len(*h)
	*h = append(*h, e)
}

func (h *byVisibility) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return e
}
