package main

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
)

// redrive moves events from a dead-letter queue back to the queue that they came from.
type redrive struct {
	service
	from, to string // the URLs of these queues
	webhooks bool   // they are those of the webhooks, and not the worker's
	filter   filter
	dryRun   bool
	rate     int       // events a second
	began    time.Time // what was sent later has failed again, and is left alone
	progress progress
	found    func(letter) error // is called with what a dry run finds
	counts   redriveCounts
}

const (
	// inHand is for how long the events in hand are hidden from others.
	inHand = 2 * time.Minute
	// handful is the most that SQS gives at once.
	handful = 10
)

// oneByOne goes through the dead-letter queue until it finds nothing new. Events that stay
// are hidden meanwhile, so that SQS gives each once, and shown again at the end.
func (r *redrive) oneByOne(ctx context.Context) (err error) {
	r.counts.DryRun = r.dryRun
	waiting, err := depthOf(ctx, r.sqs, r.from)
	if err != nil {
		return err
	}
	total := waiting.total()
	r.counts.Hidden = waiting.InFlight
	limit := rate.NewLimiter(rate.Limit(r.rate), 1)
	staying := make(map[string]string) // receipts, by the ids of the messages
	stale := 0                         // events in a row that were seen before
	defer func() { err = errors.Join(err, r.show(context.WithoutCancel(ctx), staying)) }()
	for {
		letters, err := r.receive(ctx)
		if err != nil || len(letters) == 0 {
			return err
		}
		fresh := letters[:0]
		for _, l := range letters {
			if _, seen := staying[l.Message]; !seen && l.Sent.Before(r.began) {
				fresh = append(fresh, l)
			} else {
				staying[l.Message] = l.receipt
			}
		}
		// What stays is shown again after some minutes. In a long queue that is before its end.
		if stale += len(letters); len(fresh) > 0 {
			stale = 0
		}
		if stale > max(total, 10*handful) {
			return nil
		}
		moved, err := r.settle(ctx, fresh, limit)
		for i, l := range fresh {
			if !moved[i] {
				staying[l.Message] = l.receipt
			}
		}
		if err != nil {
			return err
		}
		done := r.counts.Redriven + r.counts.Skipped
		r.progress.show(share(done, total), r.counts.String())
	}
}

// settle deals with letters side by side, and reports which of them have left the queue.
func (r *redrive) settle(ctx context.Context, letters []letter, limit *rate.Limiter) (moved []bool, err error) {
	group, ctx := errgroup.WithContext(ctx)
	passed := make([]bool, len(letters))
	moved = make([]bool, len(letters))
	for i := range letters {
		group.Go(func() (err error) {
			if !r.webhooks && (r.dryRun || r.filter.error != "") {
				if letters[i], err = r.lookUp(ctx, letters[i]); err != nil {
					return err
				}
			}
			if passed[i] = r.filter.passes(letters[i], r.began); !passed[i] || r.dryRun {
				return nil
			}
			if err := limit.Wait(ctx); err != nil {
				return err
			}
			moved[i], err = r.move(ctx, letters[i])
			return err
		})
	}
	err = group.Wait()
	for i, l := range letters {
		switch {
		case moved[i]:
			r.counts.Redriven++
		case err != nil: // some were not looked at
		case !passed[i]:
			r.counts.Skipped++
		default:
			r.counts.Redriven++
			err = r.found(l)
		}
	}
	return moved, err
}

// move sends an event to its queue, and deletes it when that queue has it. It reports
// whether the event has left the dead-letter queue.
func (r *redrive) move(ctx context.Context, l letter) (bool, error) {
	if _, err := r.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &r.to, MessageBody: &l.body}); err != nil {
		return false, err
	}
	// Not stopped by Ctrl-C: the event would run twice.
	_, err := r.sqs.DeleteMessage(context.WithoutCancel(ctx), &sqs.DeleteMessageInput{QueueUrl: &r.from, ReceiptHandle: &l.receipt})
	return err == nil, err
}

// receive takes the next events in hand. There are none where the queue has no more.
func (r *redrive) receive(ctx context.Context) (letters []letter, _ error) {
	out, err := r.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:            &r.from,
		MaxNumberOfMessages: handful,
		VisibilityTimeout:   int32((inHand + handful*time.Second/time.Duration(r.rate)).Seconds()),
		WaitTimeSeconds:     1, // more than 0: SQS then asks all its servers
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
		},
	})
	if err != nil {
		return nil, err
	}
	for _, message := range out.Messages {
		letters = append(letters, r.open(message))
	}
	return letters, nil
}

// show ends the hiding of events.
func (r *redrive) show(ctx context.Context, receipts map[string]string) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(handful)
	for _, receipt := range receipts {
		group.Go(func() error {
			_, err := r.sqs.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
				QueueUrl: &r.from, ReceiptHandle: &receipt, VisibilityTimeout: 0,
			})
			var gone *types.ReceiptHandleIsInvalid // it has come back by itself
			if errors.As(err, &gone) {
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// share returns how much of a total is done, from 0 to 1.
func share(done, total int) float64 {
	return min(1, float64(done)/float64(max(total, 1)))
}
