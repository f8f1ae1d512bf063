package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/presize/presize/deploy/presize/stack"
)

// errNotConfirmed is the error where somebody does not want it after all.
var errNotConfirmed = errors.New("not confirmed: nothing was removed")

// removal is what is to be removed.
type removal struct {
	stage, region string
	data          bool // the buckets too
	abandon       bool // the events that wait in the queues
	stack         stack.Stack
	fixed         []string // those buckets of fixed names that exist, which no stack need remember
	objects       *s3.Client
	queues        *sqs.Client
	removeStack   func(context.Context) error
	in            io.Reader // the answer to the question
	out           io.Writer
}

// removed is what a removal has done.
type removed struct {
	Stack   string         `json:"stack"`
	Removed bool           `json:"removed"` // there was a stack
	Deleted map[string]int `json:"deleted"` // objects, by bucket
	Kept    []string       `json:"kept"`    // buckets

	Abandoned []waiting `json:"abandoned"` // the queues that went with events in them
}

// run asks, and removes. It can be stopped anywhere and run again. The stack goes first, so that nobody uploads
// into a bucket that is being emptied, and no worker runs for each original.
func (r removal) run(ctx context.Context) (removed, error) {
	done := removed{Stack: r.stack.Name, Abandoned: []waiting{}}
	_, err := r.stack.Status(ctx)
	deployed := err == nil
	if err != nil && !errors.Is(err, stack.ErrNone) {
		return done, err
	}
	buckets, err := r.stack.ExistingBuckets(ctx, r.objects)
	if err != nil {
		return done, err
	}
	buckets = append(buckets, r.fixed...)
	slices.Sort(buckets)
	buckets = slices.Compact(buckets)
	if !deployed && (!r.data || len(buckets) == 0) {
		fmt.Fprintf(r.out, "In %s there is no stack %s.\n", r.region, r.stack.Name)
		r.tellOf(buckets)
		done.Kept = buckets
		return done, nil
	}
	var lost []waiting
	if deployed {
		if lost, err = r.waitingQueues(ctx); err != nil {
			return done, err
		}
	}
	r.tellOfWaiting(lost)
	if len(lost) > 0 && !r.abandon {
		r.tellHowToDrain(lost)
		return done, errWaiting
	}
	if err := r.ask(deployed, buckets); err != nil {
		return done, err
	}
	if deployed {
		if err := r.removeStack(ctx); err != nil {
			return done, err
		}
		done.Removed, done.Abandoned = true, append(done.Abandoned, lost...)
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
		fmt.Fprintln(r.out, "Before the next `make deploy` of this stage, wait a minute: SQS makes no queue of a name that it has just deleted.")
	}
	if !r.data {
		r.tellOf(buckets)
		done.Kept = buckets
		return done, nil
	}
	done.Deleted = make(map[string]int)
	for _, name := range buckets {
		count, err := deleteBucket(ctx, r.objects, name)
		if err != nil {
			return done, err
		}
		fmt.Fprintf(r.out, "Deleted %s with %d objects.\n", name, count)
		done.Deleted[name] = count
	}
	fmt.Fprintf(r.out, "Keys and secrets stay in SSM. To delete them too:\n"+
		"  aws ssm delete-parameters --region %[1]s --names $(aws ssm get-parameters-by-path --region %[1]s --path /presize/%[2]s/ --query 'Parameters[].Name' --output text)\n",
		r.region, r.stage)
	return done, nil
}

// ask says what will happen, and fails unless the stage's name is the answer.
func (r removal) ask(deployed bool, buckets []string) error {
	if deployed {
		fmt.Fprintf(r.out, "In %s the stack %s will be removed: functions, API, CDN, queues, logs and alarms.\n", r.region, r.stack.Name)
	}
	if r.data {
		fmt.Fprintln(r.out, "These buckets will be deleted with everything in them, and can't be restored:")
	} else {
		fmt.Fprintln(r.out, "These buckets stay, with everything in them:")
	}
	for _, name := range buckets {
		fmt.Fprintln(r.out, " ", name)
	}
	fmt.Fprintf(r.out, "Type the name of the stage, %s, to go on: ", r.stage)
	answer, err := bufio.NewReader(r.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(answer) != r.stage {
		return errNotConfirmed
	}
	return nil
}

// tellOf says that buckets are still there.
func (r removal) tellOf(buckets []string) {
	for _, name := range buckets {
		if slices.Contains(r.fixed, name) {
			fmt.Fprintf(r.out, "The bucket %s is still there. The next `make deploy` takes it over, `make undeploy` with DATA=delete deletes it.\n", name)
		} else {
			fmt.Fprintf(r.out, "The bucket %s is still there. No deployment takes it over; `make undeploy` with DATA=delete deletes it.\n", name)
		}
	}
}
