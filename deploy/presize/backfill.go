package main

import (
	"context"
	"fmt"
	"path/filepath"

	"golang.org/x/time/rate"
)

const backfillUsage = `run the originals that are not finished once more

  presize backfill --stage prod --dry-run
  presize backfill --stage prod --rate 20
  presize backfill --local

An original is finished when its manifest is of this very original and of the current
revision of its preset, and is complete or rejected. backfill sends every other original
to the worker's queue: after a change of a preset, after a new version of presize, and
after events were lost. With --all it sends finished originals too; the worker then only
looks whether every variant is there, and renders again if one is missing.

It does not wait for the worker. The rate times the seconds that an original takes is the
concurrency that a backfill needs. Above what the worker has (workerConcurrency), new
uploads wait behind it in the queue, so choose a low rate.

It goes through the originals in the order of their keys, and writes to a file how far it
is: every original up to there is finished, gone, or in the queue. After a Ctrl-C or a
crash, the same call goes on from there. A few originals are then queued twice, which does
no harm. At the end the file is deleted, and the next call begins anew. Originals
that arrive meanwhile have events of their own. The estimate comes from the keys, which
are random, so nothing has to be counted first.

--json writes one document with the counts; with --dry-run, also one for each original.

IAM actions: cloudformation:DescribeStacks on the stack; on the input bucket
s3:ListBucket, and s3:GetObject on originals/*; on the output bucket s3:ListBucket, and
s3:GetObject on i/*/manifest.json and p/*/manifest.json; sqs:SendMessage on the work
queue.
`

func runBackfill(ctx context.Context, c *call) error {
	c.localFlag()
	all := c.flags.Bool("all", false, "finished originals too")
	dryRun := c.flags.Bool("dry-run", false, "only list what would be queued, and count; from the first original on")
	perSecond := c.flags.Float64("rate", 5, "originals a second")
	file := c.flags.String("checkpoint", "", "the `file` that says how far it is; by default backfill-BUCKET.json here, or backfill.json in the local stack's data folder")
	if _, err := c.parse(); err != nil {
		return err
	}
	if *perSecond <= 0 {
		return fmt.Errorf("%w: --rate must be more than 0", errUsage)
	}
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	b := &backfill{
		service: s,
		all:     *all,
		dryRun:  *dryRun,
		limit:   rate.NewLimiter(rate.Limit(*perSecond), 1),
		listed: func(e entry) error {
			if c.json {
				return c.document(e)
			}
			_, err := fmt.Fprintln(c.stdout, e.ID, e.State)
			return err
		},
	}
	path := *file
	if path == "" {
		path = "backfill-" + s.Input.Name() + ".json"
		if s.data != "" {
			path = filepath.Join(s.data, "backfill.json")
		}
	}
	if !b.dryRun {
		if b.checkpoint, err = openCheckpoint(path, b.task()); err != nil {
			return err
		}
	}
	b.progress = newProgress(c.stderr, "backfill", b.counts().Key, b.dryRun)
	counts, err := b.run(ctx)
	b.progress.end()
	if err != nil {
		if counts.Seen > 0 && !b.dryRun {
			fmt.Fprintf(c.stderr, "%s; the same call goes on from there\n", counts)
		}
		return s.explain(err)
	}
	fmt.Fprintln(c.text(), counts)
	return c.document(counts)
}

// task is what a checkpoint is good for: what comes before it was judged by this.
func (b *backfill) task() task {
	t := task{Bucket: b.Input.Name(), All: b.all, Revs: make(map[string]string)}
	for _, preset := range b.Presets {
		t.Revs[preset.Name] = preset.Rev()
	}
	return t
}

// counts is how far a backfill is.
type counts struct {
	Key      string `json:"key,omitempty"` // the last one of those that are dealt with, in order
	Seen     int    `json:"seen"`
	Finished int    `json:"finished"`
	Gone     int    `json:"gone"` // removed between the listing and the look
	Queued   int    `json:"queued"`
	DryRun   bool   `json:"dryRun,omitempty"` // nothing was queued
}

func (c counts) String() string {
	verb := "queued"
	if c.DryRun {
		verb = "to queue"
	}
	text := fmt.Sprintf("%s: %d finished, %d %s", plural(c.Seen, "original"), c.Finished, c.Queued, verb)
	if c.Gone > 0 {
		text += fmt.Sprintf(", %d gone", c.Gone)
	}
	return text
}
