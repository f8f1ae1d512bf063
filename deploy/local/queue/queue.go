// Package queue is what SQS is on AWS: queues whose messages are received at least once,
// and Lambda's event source mapping in front of a function.
//
// The rules are those of a standard queue. A message that is received is hidden for the
// visibility timeout; it comes back unless it is deleted meanwhile. How often it was
// received is counted, and after too many times it moves to the dead-letter queue.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
//
// Every message is a file, so that it outlives the process, also a killed one. What was
// hidden by an earlier process can be received at once: that one's consumers are gone too.
package queue

import (
	"container/heap"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// ErrReceipt says that a message is not there any more, or was received again since.
var ErrReceipt = errors.New("the receipt handle is not, or no longer, valid")

// Config describes a queue.
type Config struct {
	Name       string
	Dir        string        // of the messages; absolute, created if missing
	Visibility time.Duration // how long a message that was received is hidden
	Retention  time.Duration // from when a message was sent until it is deleted
	// MaxReceives is how often a message can be received. After that it moves to
	// DeadLetters. Without dead-letter queue there is no limit.
	MaxReceives int
	DeadLetters *Queue // may be nil
	Log         *slog.Logger
}

// Message is a message as it was received.
type Message struct {
	ID            string    `json:"id"`
	Body          string    `json:"body"`
	Sent          time.Time `json:"sent"`
	Visible       time.Time `json:"visible"` // from when on it can be received
	Receives      int       `json:"receives"`
	FirstReceived time.Time `json:"firstReceived,omitzero"`
	// Source is the queue from which it was dead-lettered.
	Source string `json:"source,omitempty"`
	// Receipt is what deletes the message or changes its visibility. Each time it is
	// received it gets another one.
	Receipt string `json:"-"`
}

// Queue is one queue. It is safe for concurrent use.
type Queue struct {
	Config

	mu       sync.Mutex
	messages map[string]*entry // by id
	order    byVisibility
	sequence int
	changed  chan struct{} // is closed when a message may have become visible earlier
}

// Open returns the queue with the messages of earlier processes.
func Open(config Config) (*Queue, error) {
	q := &Queue{Config: config, messages: make(map[string]*entry), changed: make(chan struct{})}
	messages, err := q.load()
	if err != nil {
		return nil, fmt.Errorf("open queue %s: %w", config.Name, err)
	}
	for _, m := range messages {
		q.insert(m)
	}
	return q, nil
}

// Send puts a message into the queue, where it can be received after a delay.
func (q *Queue) Send(_ context.Context, body string, delay time.Duration) error {
	_, err := q.Add(body, delay)
	return err
}

// Add is Send that returns the message's id.
func (q *Queue) Add(body string, delay time.Duration) (id string, err error) {
	now := time.Now()
	m := Message{ID: rand.Text(), Body: body, Sent: now.UTC(), Visible: now.Add(delay).UTC()}
	return m.ID, q.accept(m)
}

// accept takes in a message.
func (q *Queue) accept(m Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.store(m); err != nil {
		return fmt.Errorf("send to queue %s: %w", q.Name, err)
	}
	q.insert(m)
	return nil
}

// Receive waits for a message until ctx ends. It hides the message for the queue's
// visibility timeout.
func (q *Queue) Receive(ctx context.Context) (Message, error) {
	return q.ReceiveFor(ctx, q.Visibility)
}

// ReceiveFor is Receive with another visibility timeout.
func (q *Queue) ReceiveFor(ctx context.Context, visibility time.Duration) (Message, error) {
	for {
		q.mu.Lock()
		message, ok, next := q.take(time.Now(), visibility)
		changed := q.changed
		q.mu.Unlock()
		if ok {
			return message, nil
		}
		timer := time.NewTimer(time.Until(next))
		if next.IsZero() {
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return Message{}, ctx.Err()
		}
	}
}

// TryReceive is ReceiveFor that doesn't wait. It reports false where no message is visible.
func (q *Queue) TryReceive(visibility time.Duration) (Message, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	message, ok, _ := q.take(time.Now(), visibility)
	return message, ok
}

// take receives the first message that is visible. Where there is none, it returns when
// the next one will be, or the zero time.
func (q *Queue) take(now time.Time, visibility time.Duration) (_ Message, ok bool, next time.Time) {
	for len(q.order) > 0 {
		first := q.order[0]
		if first.visible.After(now) {
			return Message{}, false, first.visible
		}
		if q.Retention > 0 && now.Sub(first.Sent) > q.Retention {
			q.remove(first)
			continue
		}
		if q.DeadLetters != nil && first.Receives >= q.MaxReceives {
			q.bury(first, now)
			continue
		}
		first.Receives++
		if first.FirstReceived.IsZero() {
			first.FirstReceived = now.UTC()
		}
		if err := q.store(first.Message); err != nil {
			q.Log.Warn("receive count not written", "queue", q.Name, "err", err)
		}
		first.Receipt = first.ID + "." + rand.Text()
		q.hide(first, now.Add(visibility))
		return first.Message, true, time.Time{}
	}
	return Message{}, false, time.Time{}
}

// bury moves a message to the dead-letter queue. It is in both queues for a moment: a
// process that is killed then leaves it twice rather than not at all.
func (q *Queue) bury(e *entry, now time.Time) {
	dead := e.Message
	dead.Source, dead.Visible = q.Name, now.UTC()
	if err := q.DeadLetters.accept(dead); err != nil {
		q.Log.Error("message not dead-lettered", "queue", q.Name, "message", e.ID, "err", err)
		q.hide(e, now.Add(max(q.Visibility, time.Second)))
		return
	}
	q.Log.Error("message was received too often, it waits in the dead-letter queue", "queue", q.Name,
		"message", e.ID, "receives", e.Receives, "deadLetters", q.DeadLetters.Name)
	q.remove(e)
}

// Delete deletes a message that was received. It fails with [ErrReceipt] if the message
// was received again since, or is gone.
func (q *Queue) Delete(_ context.Context, receipt string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.received(receipt)
	if err == nil {
		q.remove(e)
	}
	return err
}

// ChangeVisibility makes a message that was received come back after a delay, instead of
// the visibility timeout. It fails with [ErrReceipt] as Delete does.
func (q *Queue) ChangeVisibility(_ context.Context, receipt string, delay time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.received(receipt)
	if err != nil {
		return err
	}
	visible := time.Now().Add(delay)
	e.Visible = visible.UTC()
	if err := q.store(e.Message); err != nil {
		return fmt.Errorf("change visibility: %w", err)
	}
	q.hide(e, visible)
	q.wake()
	return nil
}

// Count returns how many messages can be received now, and how many are hidden.
func (q *Queue) Count() (visible, hidden int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, e := range q.messages {
		if e.visible.After(now) {
			hidden++
		} else {
			visible++
		}
	}
	return visible, hidden
}

// All returns every message that is in the queue, hidden or not, in no order.
func (q *Queue) All() []Message {
	q.mu.Lock()
	defer q.mu.Unlock()
	var all []Message
	for _, e := range q.messages {
		all = append(all, e.Message)
	}
	return all
}

func (q *Queue) received(receipt string) (*entry, error) {
	id, _, _ := strings.Cut(receipt, ".")
	if e, ok := q.messages[id]; ok && e.Receipt == receipt {
		return e, nil
	}
	return nil, fmt.Errorf("queue %s: %w", q.Name, ErrReceipt)
}

func (q *Queue) insert(m Message) {
	q.sequence++
	e := &entry{Message: m, visible: m.Visible, sequence: q.sequence}
	q.messages[m.ID] = e
	heap.Push(&q.order, e)
	q.wake()
}

func (q *Queue) hide(e *entry, until time.Time) {
	e.visible = until
	heap.Fix(&q.order, e.index)
}

func (q *Queue) remove(e *entry) {
	delete(q.messages, e.ID)
	heap.Remove(&q.order, e.index)
	if err := q.unlink(e.ID); err != nil {
		q.Log.Warn("message not deleted, the next start repeats it", "queue", q.Name, "err", err)
	}
}

// wake lets everyone who waits in Receive look again.
func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}
