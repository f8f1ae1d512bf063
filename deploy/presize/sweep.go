package main

import (
	"context"
	"fmt"
	"time"

	"github.com/presize/presize/internal/bucket"
	"github.com/presize/presize/internal/media"
)

const sweepUsage = `remove variants of old revisions that no manifest names

  presize sweep --stage prod --dry-run
  presize sweep --stage prod
  presize sweep --stage prod --deleted --dry-run

After a change of a preset and a backfill, the variants of the revision before are still
there: somebody may have their URLs. sweep removes a variant if

  - its revision is not the current one of any preset,
  - the upload's manifest does not name that revision, and
  - it and all others of its upload and revision are older than --older-than.

The last one spares the variants of a job that is under way: these are put before their
manifest. Run it from the checkout that is deployed, and not during a deployment. URLs of
what is removed stop working as soon as no cache has them any more. It can be stopped
anywhere and run again: it then does the rest.

With --deleted it also looks for uploads whose original is gone, and queues the deletion
of their images, of any age: the worker removes them from the bucket and from the CDN, and
tells the backend. This makes up for deletions whose events were lost, as with the queues
of a stack that was removed. Rejected uploads stay. So do all where the stage sets
originalsExpireDays: an original that has expired is gone too. If it was set earlier, look
at the list of --dry-run first. It refuses where there is no original at all.

--json writes one document with the counts; with --dry-run, also one for each object.

IAM actions: cloudformation:DescribeStacks on the stack; on the output bucket
s3:ListBucket, s3:GetObject on i/*/manifest.json and p/*/manifest.json, and, but for
--dry-run, s3:DeleteObject on i/*/*/* and p/*/*/*; with --deleted also
cloudformation:GetTemplate on the stack, s3:ListBucket on the input bucket, s3:GetObject
on originals/*, and sqs:SendMessage on the work queue.
`

func runSweep(ctx context.Context, c *call) error {
	c.localFlag()
	olderThan := c.flags.Duration("older-than", 24*time.Hour, "the least age of what is removed; at least the 4h within which an event has all its tries")
	dryRun := c.flags.Bool("dry-run", false, "only list what would be removed, and count")
	deleted := c.flags.Bool("deleted", false, "also queue the deletion of images whose original is gone")
	if _, err := c.parse(); err != nil {
		return err
	}
	if *olderThan < 0 {
		return fmt.Errorf("%w: --older-than must not be less than 0", errUsage)
	}
	s, err := c.open(ctx)
	if err != nil {
		return err
	}
	if *deleted {
		if err := s.refuseExpiry(ctx); err != nil {
			return err
		}
		if err := s.refuseLoss(ctx); err != nil {
			return s.explain(err)
		}
	}
	w := &sweep{
		service: s,
		before:  time.Now().Add(-*olderThan),
		deleted: *deleted,
		dryRun:  *dryRun,
		found: func(object bucket.Info) error {
			if c.json {
				return c.document(swept{object.Key, object.Size})
			}
			_, err := fmt.Fprintln(c.stdout, object.Key)
			return err
		},
		progress: newProgress(c.stderr, "sweep", "", *dryRun),
		current:  make(map[string]bool),
	}
	for _, preset := range s.Presets {
		w.current[preset.Rev()] = true
	}
	err = w.run(ctx)
	w.progress.end()
	if err != nil {
		if w.counts.Uploads > 0 && !w.dryRun {
			fmt.Fprintf(c.stderr, "%s; the same call does the rest\n", w.counts)
		}
		return s.explain(err)
	}
	fmt.Fprintln(c.text(), w.counts)
	return c.document(w.counts)
}

// swept is an object that a sweep would remove.
type swept struct {
	Key   string `json:"key"`
	Bytes int64  `json:"bytes"`
}

// sweepCounts is what a sweep has done, or what it would do.
type sweepCounts struct {
	Uploads int   `json:"uploads"` // looked at
	Removed int   `json:"removed"` // objects
	Bytes   int64 `json:"bytes"`   // of these
	Deleted int   `json:"deleted"` // uploads whose deletion was queued
	Young   int   `json:"young"`   // objects that would go if they were older
	Unread  int   `json:"unread"`  // uploads left alone because their manifest can't be read
	DryRun  bool  `json:"dryRun"`
}

func (c sweepCounts) String() string {
	verb := "removed"
	if c.DryRun {
		verb = "would remove"
	}
	text := fmt.Sprintf("%s: %s %s of old revisions, %s", plural(c.Uploads, "upload"), verb, plural(c.Removed, "variant"), size(c.Bytes))
	if c.Deleted > 0 {
		verb := "queued"
		if c.DryRun {
			verb = "would queue"
		}
		text += fmt.Sprintf("; %s the deletion of %s whose original is gone", verb, plural(c.Deleted, "upload"))
	}
	if c.Young > 0 {
		text += fmt.Sprintf("; %d more are too young", c.Young)
	}
	if c.Unread > 0 {
		text += fmt.Sprintf("; left alone %s with a manifest that can't be read, which a backfill repairs", plural(c.Unread, "upload"))
	}
	return text
}

// published is what is published for one upload, without its manifest.
type published struct {
	area media.Area
	id   media.ID
	revs map[string][]bucket.Info // the variants by their revision
}
