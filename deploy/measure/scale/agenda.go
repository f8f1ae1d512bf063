package main

import "time"

// agenda is a heap of future events, by time. The simulation spends most of its time here;
// container/heap, which works through interfaces, would take three times as long.
type agenda []appointment

type appointment struct {
	at     time.Duration
	number int // of an event; breaks ties
}

func (a appointment) before(b appointment) bool {
	return a.at < b.at || a.at == b.at && a.number < b.number
}

func (a *agenda) push(at time.Duration, number int) {
	*a = append(*a, appointment{at, number})
	heap := *a
	for i := len(heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !heap[i].before(heap[parent]) {
			break
		}
		heap[i], heap[parent] = heap[parent], heap[i]
		i = parent
	}
}

func (a *agenda) pop() (at time.Duration, number int) {
	heap := *a
	first, last := heap[0], len(heap)-1
	heap[0] = heap[last]
	heap = heap[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child+1 < last && heap[child+1].before(heap[child]) {
			child++
		}
		if child >= last || !heap[child].before(heap[i]) {
			break
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
	*a = heap
	return first.at, first.number
}
