package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// errWaiting is the error where events would be lost with the queues.
var errWaiting = errors.New("events wait in the queues, nothing was removed: drain the queues first, or give the events up with --abandon-queues (make undeploy: QUEUES=abandon)")

// queueLoss says what is lost with a queue of the stack.
type queueLoss struct {
	id       string // in the template
	lost     string
	drain    string // how to have it done before; STAGE and REGION stand for its own
	withData bool   // it is a loss even where the buckets are deleted too
}

func queueLosses() []queueLoss {
	const originals = "Uploads stay without images until a backfill after the next deployment. " +
		"Images of deleted originals stay in the bucket until a sweep --deleted after it."
	const webhooks = "The backend is never told what happened to these uploads."
	return []queueLoss{
		{"WorkQueue", originals, "Wait until the worker has done them.", false},
		{"FailureQueue", originals, "Run: AWS_REGION=REGION go run ./deploy/presize redrive --stage STAGE", false},
		{"WebhookQueue", webhooks, "Wait until they are delivered; failed ones are tried again for three days.", true},
		{"WebhookFailureQueue", webhooks, "Run: AWS_REGION=REGION go run ./deploy/presize redrive --webhooks --stage STAGE", true},
	}
}

// waiting is a queue that has events.
type waiting struct {
	Queue string `json:"queue"` // its id in the template
	depth

	loss queueLoss
}

// waitingQueues returns the queues of the stack with events that somebody misses afterwards.
// Where the buckets are deleted too, nobody misses those about originals.
func (r removal) waitingQueues(ctx context.Context) ([]waiting, error) {
	urls, err := r.stack.Queues(ctx)
	if err != nil {
		return nil, err
	}
	var found []waiting
	for _, loss := range queueLosses() {
		url, ok := urls[loss.id]
		if !ok || r.data && !loss.withData {
			continue
		}
		depth, err := depthOf(ctx, r.queues, url)
		if err != nil {
			return nil, err
		}
		if depth.total() > 0 {
			found = append(found, waiting{loss.id, depth, loss})
		}
	}
	return found, nil
}

// tellOfWaiting says what is lost with the queues.
func (r removal) tellOfWaiting(queues []waiting) {
	if len(queues) == 0 {
		return
	}
	fmt.Fprintln(r.out, "These events will be lost with their queues:")
	for _, w := range queues {
		fmt.Fprintf(r.out, "  %s, %s\n    %s\n", w.Queue, w.depth, w.loss.lost)
	}
}

// tellHowToDrain says how nothing is lost.
func (r removal) tellHowToDrain(queues []waiting) {
	command := strings.NewReplacer(" STAGE", " "+r.stage, "=REGION", "="+r.region)
	fmt.Fprintln(r.out, "To lose none of them:")
	for _, w := range queues {
		fmt.Fprintf(r.out, "  %s: %s\n", w.Queue, command.Replace(w.loss.drain))
	}
}
