package queue

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"
)

// MoveStatus is the status of a [Move], in SQS's words.
type MoveStatus string

// The statuses of a move.
const (
	MoveRunning   MoveStatus = "RUNNING"
	MoveCompleted MoveStatus = "COMPLETED"
	MoveCancelled MoveStatus = "CANCELLED"
	MoveFailed    MoveStatus = "FAILED"
)

// Move is a message move task: it moves the messages of a dead-letter queue to another
// one, where they are new messages, never received.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
type Move struct {
	Handle    string
	From, To  *Queue
	PerSecond int
	Started   time.Time
	ToMove    int // how many messages there were at the start
	cancel    context.CancelFunc
	ended     chan struct{}

	mu     sync.Mutex
	status MoveStatus
	moved  int
	err    error
}

// StartMove begins to move messages, so many a second at most, until none is visible.
func StartMove(from, to *Queue, perSecond int) *Move {
	ctx, cancel := context.WithCancel(context.Background())
	visible, _ := from.Count()
	m := &Move{
		Handle: rand.Text(), From: from, To: to, PerSecond: perSecond, Started: time.Now(), ToMove: visible,
		cancel: cancel, ended: make(chan struct{}), status: MoveRunning,
	}
	go m.run(ctx)
	return m
}

// State returns how far the move is. The error is that of a failed one.
func (m *Move) State() (status MoveStatus, moved int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.status, m.moved, m.err
}

// Cancel ends the move between two messages, and returns when it has ended.
func (m *Move) Cancel() {
	m.cancel()
	<-m.ended
}

func (m *Move) run(ctx context.Context) {
	defer close(m.ended)
	pace := time.NewTicker(time.Second / time.Duration(m.PerSecond))
	defer pace.Stop()
	for {
		moved, err := m.next()
		m.mu.Lock()
		switch {
		case err != nil:
			m.status, m.err = MoveFailed, err
		case !moved:
			m.status = MoveCompleted
		default:
			m.moved++
		}
		ended := m.status != MoveRunning
		m.mu.Unlock()
		if ended {
			return
		}
		select {
		case <-pace.C:
		case <-ctx.Done():
			m.mu.Lock()
			m.status = MoveCancelled
			m.mu.Unlock()
			return
		}
	}
}

// next moves one message, and reports false where none is visible. The message is deleted
// last: a process that is killed leaves it in both queues.
func (m *Move) next() (bool, error) {
	message, ok := m.From.TryReceive(m.From.Visibility)
	if !ok {
		return false, nil
	}
	if err := m.To.Send(context.Background(), message.Body, 0); err != nil {
		return false, errors.Join(err, m.From.ChangeVisibility(context.Background(), message.Receipt, 0))
	}
	return true, m.From.Delete(context.Background(), message.Receipt)
}
