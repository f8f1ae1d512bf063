package sqs

import (
	"net/http"
	"slices"

	"github.com/presize/presize/deploy/local/queue"
)

const (
	// maxMovesPerSecond is the rate of a move that asks for none, and the most that one
	// can ask for.
	maxMovesPerSecond = 500
	// maxMovesListed is the most that ListMessageMoveTasks returns.
	maxMovesListed = 10
)

// startMove starts a task, one at a time for each dead-letter queue.
func (e *endpoint) startMove(_ *http.Request, r request) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var from, to *queue.Queue
	for _, q := range e.Queues {
		if q.DeadLetters != nil && q.DeadLetters.ARN() == r.SourceARN {
			from = q.DeadLetters
			if r.DestinationARN == "" {
				to = q
			}
		}
		if q.ARN() == r.DestinationARN {
			to = q
		}
	}
	rate := r.MaxNumberOfMessagesPerSecond
	switch {
	case from == nil || to == nil:
		return nil, &fault{http.StatusBadRequest, "ResourceNotFoundException", "want the ARN of a dead-letter queue, and that of a queue or none"}
	case rate < 0 || rate > maxMovesPerSecond:
		return nil, invalid("at most %d messages a second", maxMovesPerSecond)
	case rate == 0:
		rate = maxMovesPerSecond
	}
	for _, m := range e.moves {
		if status, _, _ := m.State(); m.From == from && status == queue.MoveRunning {
			return nil, invalid("there is already a task running")
		}
	}
	move := queue.StartMove(from, to, rate)
	e.moves = append(e.moves, move)
	return map[string]string{"TaskHandle": move.Handle}, nil
}

// moveResult is a task in an answer. The handle is there only while it is running.
type moveResult struct {
	TaskHandle                        string `json:",omitempty"`
	Status                            queue.MoveStatus
	SourceARN                         string `json:"SourceArn"`
	DestinationARN                    string `json:"DestinationArn"`
	MaxNumberOfMessagesPerSecond      int
	ApproximateNumberOfMessagesMoved  int
	ApproximateNumberOfMessagesToMove int
	FailureReason                     string `json:",omitempty"`
	StartedTimestamp                  int64
}

// listMoves answers with the latest tasks of a queue, the latest one first.
func (e *endpoint) listMoves(_ *http.Request, r request) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	results := []moveResult{}
	for _, m := range slices.Backward(e.moves) {
		if m.From.ARN() != r.SourceARN || len(results) == maxMovesListed {
			continue
		}
		status, moved, err := m.State()
		result := moveResult{
			Status: status, SourceARN: m.From.ARN(), DestinationARN: m.To.ARN(), MaxNumberOfMessagesPerSecond: m.PerSecond,
			ApproximateNumberOfMessagesMoved: moved, ApproximateNumberOfMessagesToMove: m.ToMove, StartedTimestamp: m.Started.UnixMilli(),
		}
		if status == queue.MoveRunning {
			result.TaskHandle = m.Handle
		}
		if err != nil {
			result.FailureReason = err.Error()
		}
		results = append(results, result)
	}
	return map[string]any{"Results": results}, nil
}

func (e *endpoint) cancelMove(_ *http.Request, r request) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range e.moves {
		if m.Handle == r.TaskHandle {
			m.Cancel()
			_, moved, _ := m.State()
			return map[string]int{"ApproximateNumberOfMessagesMoved": moved}, nil
		}
	}
	return nil, &fault{http.StatusBadRequest, "ResourceNotFoundException", "there is no such task"}
}
