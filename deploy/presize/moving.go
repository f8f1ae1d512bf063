package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// maxMoves is the most events that a task of SQS moves in a second. A queue has one task at a
// time, and must be the dead-letter queue of another queue of SQS.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
const maxMoves = 500

// The statuses of a task.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasksResultEntry.html
const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
)

// watchEvery is the pause between two looks at a task.
const watchEvery = time.Second

// moveAll lets SQS move every event, or watches a task that does so already. When ctx
// ends, it cancels the task. It does so too after as many events as there were: the rest
// has failed again meanwhile, and could go round and round.
func (r *redrive) moveAll(ctx context.Context) error {
	from, err := r.arn(ctx, r.from)
	if err != nil {
		return err
	}
	to, err := r.arn(ctx, r.to)
	if err != nil {
		return err
	}
	task, err := r.task(ctx, from)
	if err != nil {
		return err
	}
	var earlier int64 // when the task before this one was started
	if aws.ToString(task.Status) != taskRunning {
		earlier = task.StartedTimestamp
		_, err := r.sqs.StartMessageMoveTask(ctx, &sqs.StartMessageMoveTaskInput{
			SourceArn: &from, DestinationArn: &to, MaxNumberOfMessagesPerSecond: aws.Int32(int32(r.rate)),
		})
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("start to move the events: %w", err)
		}
	}
	pause := time.NewTicker(watchEvery)
	defer pause.Stop()
	for {
		if ctx.Err() != nil {
			return cmp.Or(r.cancel(context.WithoutCancel(ctx), from), context.Canceled)
		}
		task, err := r.task(ctx, from)
		switch status := aws.ToString(task.Status); {
		case err != nil && ctx.Err() == nil:
			return err
		case err != nil || task.StartedTimestamp == earlier:
			// interrupted, or not listed yet
		case status != taskRunning && status != taskCompleted:
			return fmt.Errorf("SQS has stopped to move events, %s: %s", status, aws.ToString(task.FailureReason))
		default:
			r.counts.Redriven = int(task.ApproximateNumberOfMessagesMoved)
			total := int(aws.ToInt64(task.ApproximateNumberOfMessagesToMove))
			r.progress.show(share(r.counts.Redriven, total), r.counts.String())
			if status == taskCompleted {
				return nil
			}
			if total > 0 && r.counts.Redriven >= total {
				return r.cancel(ctx, from)
			}
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
	}
}

// cancel cancels the task that is running, if there is one. What it has moved stays moved.
func (r *redrive) cancel(ctx context.Context, from string) error {
	task, err := r.task(ctx, from)
	if err != nil || aws.ToString(task.Status) != taskRunning {
		return err
	}
	out, err := r.sqs.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: task.TaskHandle})
	if err != nil {
		return fmt.Errorf("cancel: SQS goes on to move events: %w", err)
	}
	r.counts.Redriven = int(out.ApproximateNumberOfMessagesMoved)
	return nil
}

// task returns the latest task for a queue, which is empty if there was none.
func (r *redrive) task(ctx context.Context, from string) (types.ListMessageMoveTasksResultEntry, error) {
	out, err := r.sqs.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &from, MaxResults: aws.Int32(1)})
	if err != nil || len(out.Results) == 0 {
		return types.ListMessageMoveTasksResultEntry{}, err
	}
	return out.Results[0], nil
}

func (r *redrive) arn(ctx context.Context, queue string) (string, error) {
	attributes, err := attributesOf(ctx, r.sqs, queue, types.QueueAttributeNameQueueArn)
	return attributes[string(types.QueueAttributeNameQueueArn)], err
}
