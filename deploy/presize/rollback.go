package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/internal/bucket"
)

const rollbackUsage = `go back to the deployment before the last one

  presize rollback --stage prod

First the aliases point back to the versions of the functions that were live with that
deployment: it takes seconds, and nothing is built. Then osls brings back the settings and
the rest of the stack, which takes CloudFormation a minute. The buckets, what is in them
and the queues stay, and so does the page: publish it from an older checkout if it must go
back too. A deployment that failed does not count. A second rollback goes back one more;
osls keeps the last five deployments. It refuses if keys or secrets were changed since,
because the old ones are gone. The next make deploy goes forward again, and also repairs a
rollback that has failed.

It runs in the repository's root, with the packages in deploy/node_modules: make rollback
installs them.

IAM actions: what osls needs to update the stack, and those of publish for stack,
functions and osls's bucket.
`

// rolledBack is what a rollback has done.
type rolledBack struct {
	Stack    string    `json:"stack"`
	From     time.Time `json:"from"` // when the deployment was made that is left
	To       time.Time `json:"to"`
	Seconds  float64   `json:"seconds"`  // until the functions were back; 0 if they came with the stack
	Versions versions  `json:"versions"` // that are live now
}

func runRollback(ctx context.Context, c *call) error {
	begun := time.Now()
	if _, err := c.parse(); err != nil {
		return err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	done, err := rollback{
		stage: c.stage,
		begun: begun,
		out:   c.text(),
		open: func(ctx context.Context) (release, error) {
			r, _, err := openRelease(ctx, account, c.stage, c.text())
			return r, err
		},
		rollBackStack: func(ctx context.Context, to int64) error {
			cmd := exec.CommandContext(ctx, osls, "rollback", "--timestamp", strconv.FormatInt(to, 10), "--stage", c.stage, "--region", account.Region)
			cmd.Stdout, cmd.Stderr = c.text(), c.stderr
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("osls rollback: %w", err)
			}
			return nil
		},
	}.run(ctx)
	if err != nil {
		return err
	}
	return c.document(done)
}

// rollback takes a stage back by one deployment.
type rollback struct {
	stage string
	begun time.Time
	out   io.Writer
	open  func(context.Context) (release, error)
	// rollBackStack brings back the stack as it was at a time, in milliseconds since 1970.
	rollBackStack func(ctx context.Context, to int64) error
}

// run goes back. If it fails, the error says what to do: until the stack has gone back, the
// same rollback again, and then publish.
func (r rollback) run(ctx context.Context) (done rolledBack, _ error) {
	release, err := r.open(ctx)
	if err != nil {
		return done, err
	}
	if release.history.artifacts == nil {
		return done, errors.New("can't roll back a stack that osls has not deployed")
	}
	if err := release.settled(ctx); err != nil { // until then, it is open which deployment is in force
		return done, fmt.Errorf("can't roll back: %w", err)
	}
	from, to, err := release.history.step(ctx)
	if err != nil {
		return done, fmt.Errorf("can't roll back: %w", err)
	}
	done = rolledBack{Stack: stack.Name(r.stage), From: time.UnixMilli(from.at).UTC(), To: time.UnixMilli(to.at).UTC()}
	fmt.Fprintf(r.out, "%s goes back from the deployment of %s to that of %s\n", done.Stack, done.From.Format(time.RFC3339), done.To.Format(time.RFC3339))
	switch err := release.back(ctx, to); {
	case err == nil:
		done.Seconds = time.Since(r.begun).Seconds()
		fmt.Fprintf(r.out, "its functions are live again, after %.1f s; settings and the rest of the stack follow\n", done.Seconds)
	case ctx.Err() != nil:
		return done, err
	case errors.Is(err, bucket.ErrNotFound):
		fmt.Fprintln(r.out, "its functions come back with the stack: of that deployment no versions are recorded")
	default: // such as versions that somebody has deleted
		fmt.Fprintf(r.out, "its functions come back with the stack: %v\n", err)
	}
	if err := r.rollBackStack(ctx, to.at); err != nil {
		return done, r.halfway(ctx, release, to, err)
	}
	if release, err = r.open(ctx); err == nil { // the stack may have other functions now
		done.Versions, err = release.publish(ctx)
	}
	if err != nil {
		return done, fmt.Errorf("the stack has gone back, and its functions are not live yet: run presize publish --stage %s (%v)", r.stage, err)
	}
	return done, nil
}

// halfway says what to do where osls has failed or was stopped. CloudFormation goes on without
// it, and a second rollback after that would go back one deployment more. The cause is only
// text: it must not be explained instead.
func (r rollback) halfway(ctx context.Context, release release, to deployment, cause error) error {
	ctx = context.WithoutCancel(ctx)
	status, err := release.history.stack.Status(ctx)
	if err == nil && strings.HasSuffix(status, inProgress) {
		return fmt.Errorf("CloudFormation still changes the stack (%v). When %s is UPDATE_COMPLETE, run presize publish --stage %s. "+
			"If it becomes UPDATE_ROLLBACK_COMPLETE, roll back again", cause, release.history.stack.Name, r.stage)
	}
	current, _, failure := release.history.current(ctx)
	if failure == nil && current == to {
		return fmt.Errorf("the stack has gone back, and its functions are not live yet: run presize publish --stage %s (%v)", r.stage, cause)
	}
	return fmt.Errorf("%v; roll back again, or deploy", errors.Join(cause, err, failure))
}
