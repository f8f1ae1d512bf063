package main

import (
	"context"
	"fmt"
	"time"
)

const redriveUsage = `run events again that have failed for the last time

  presize redrive --stage prod --dry-run
  presize redrive --stage prod
  presize redrive --stage prod --error "access denied" --newer-than 24h
  presize redrive --stage prod --webhooks

Events that have failed for the last time wait in the failure queue for 14 days. Find the
cause first: --dry-run lists the uploads, how old their events are, how often they were
received, and what the manifest says of the failure.

Without a filter, SQS itself moves the events back to the worker's queue. Ctrl-C cancels
that. If this program crashes, SQS goes on, and the same call shows how far it is. SQS
moves 500 events a second at most, and for 36 hours at most; what is left then, and what
has failed again meanwhile, waits for the next redrive.

With --newer-than, --older-than or --error, the events are moved one by one: each is sent
to the worker's queue, and deleted only after that. None is lost, however the program
ends. Some may run twice, which does no harm. After a crash, the events in hand are hidden
for two minutes. What fails again comes back, and waits for the next redrive.

With --webhooks it works on the webhooks that could not be delivered: they go back to the
queue of webhooks, where their tries begin anew. Nothing records why a webhook has failed
but the log of notify, so --error does not go with it.

--json writes one document with the counts; with --dry-run, also one for each event.

IAM actions: cloudformation:DescribeStacks on the stack; on the dead-letter queue
sqs:GetQueueAttributes, sqs:ReceiveMessage, sqs:DeleteMessage,
sqs:ChangeMessageVisibility, sqs:StartMessageMoveTask, sqs:ListMessageMoveTasks and
sqs:CancelMessageMoveTask; sqs:GetQueueAttributes and sqs:SendMessage on the queue that
the events came from; for --dry-run and --error without --webhooks s3:ListBucket on both
buckets, s3:GetObject on originals/*, i/*/manifest.json and p/*/manifest.json.
`

func runRedrive(ctx context.Context, c *call) error {
	c.localFlag()
	dryRun := c.flags.Bool("dry-run", false, "only list the events, and count")
	webhooks := c.flags.Bool("webhooks", false, "webhooks that could not be delivered, instead of the worker's events")
	perSecond := c.flags.Int("rate", 20, "move so many events a second, 1 to 500")
	var f filter
	c.flags.DurationVar(&f.newerThan, "newer-than", 0, "only events that are younger than this `age`, such as 24h")
	c.flags.DurationVar(&f.olderThan, "older-than", 0, "only events that are older than this `age`")
	c.flags.StringVar(&f.error, "error", "", "only events whose failure contains this `text`")
	if _, err := c.parse(); err != nil {
		return err
	}
	if *perSecond < 1 || *perSecond > maxMoves {
		return fmt.Errorf("%w: --rate must be from 1 to %d", errUsage, maxMoves)
	}
	if f.newerThan < 0 || f.olderThan < 0 {
		return fmt.Errorf("%w: --newer-than and --older-than must not be less than 0", errUsage)
	}
	if *webhooks && f.error != "" {
		return fmt.Errorf("%w: --error does not go with --webhooks: only the log of notify knows the errors", errUsage)
	}
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	from, to := s.failures, s.work
	if *webhooks {
		from, to = s.webhookFailures, s.webhooks
	}
	switch {
	case from == "":
		return fmt.Errorf("the stack %s sends no webhooks: webhookUrl is not set", s.name)
	case to == "":
		return fmt.Errorf("the stack %s has no output WebhookQueueUrl: deploy it again", s.name)
	}
	r := redrive{
		service:  s,
		from:     from,
		to:       to,
		webhooks: *webhooks,
		filter:   f,
		dryRun:   *dryRun,
		rate:     *perSecond,
		began:    time.Now(),
		progress: newProgress(c.stderr, "redrive", "", *dryRun),
		found: func(letter letter) error {
			if c.json {
				return c.document(letter)
			}
			_, err := fmt.Fprintln(c.stdout, letter)
			return err
		},
	}
	if f == (filter{}) && !*dryRun {
		err = r.moveAll(ctx)
	} else {
		err = r.oneByOne(ctx)
	}
	r.progress.end()
	if err != nil {
		fmt.Fprintln(c.stderr, r.counts)
		return s.explain(err)
	}
	fmt.Fprintln(c.text(), r.counts)
	return c.document(r.counts)
}

// redriveCounts is what a redrive has done, or what it would do.
type redriveCounts struct {
	Redriven int  `json:"redriven"`
	Skipped  int  `json:"skipped"` // by the filter
	Hidden   int  `json:"hidden"`  // in the hands of another redrive, or of one that was killed
	DryRun   bool `json:"dryRun"`
}

func (c redriveCounts) String() string {
	verb := "redriven"
	if c.DryRun {
		verb = "to redrive"
	}
	text := fmt.Sprintf("%s %s", plural(c.Redriven, "event"), verb)
	if c.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", c.Skipped)
	}
	if c.Hidden > 0 {
		text += fmt.Sprintf("; %d more are in the hands of another redrive, or come back after two minutes", c.Hidden)
	}
	return text
}
