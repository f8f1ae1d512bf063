package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/internal/bucket"
)

// release decides which versions of a stage's functions are live.
type release struct {
	functions functions
	history   history // without artifacts if the stack was not deployed by osls
	out       io.Writer
}

// openRelease returns the release of a stage that is deployed, and the outputs of its stack.
func openRelease(ctx context.Context, account aws.Config, stage string, out io.Writer) (release, map[string]string, error) {
	s := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(stage)}
	outputs, err := s.Outputs(ctx)
	if err != nil {
		return release{}, nil, err
	}
	found, err := findFunctions(ctx, s, lambda.NewFromConfig(account))
	if err != nil {
		return release{}, nil, err
	}
	r := release{functions: found, history: history{stack: s, prefix: "serverless/presize/" + stage + "/"}, out: out}
	if name := outputs["ServerlessDeploymentBucketName"]; name != "" {
		r.history.artifacts = bucket.New(s3.NewFromConfig(account), name)
	}
	return r, outputs, nil
}

// publish makes the functions live as they are deployed. It can be stopped anywhere and
// run again:
//
//   - The aliases move when every version is there, all of them together.
//   - What is live is recorded after that, and only then old versions are deleted: those
//     that are in no record and were not live until now, because they may still be at work.
//
// A stack that was not deployed by osls has no place for a record. There the aliases follow
// each deployment.
func (r release) publish(ctx context.Context) (versions, error) {
	if len(r.functions.names) == 0 {
		return versions{}, nil
	}
	if r.history.artifacts == nil {
		following := make(versions)
		for _, name := range r.functions.names {
			following[name] = latest
		}
		_, err := r.functions.point(ctx, following)
		return following, err
	}
	if err := r.settled(ctx); err != nil {
		return nil, err
	}
	current, _, err := r.history.current(ctx)
	if err != nil {
		return nil, err
	}
	if current.at == 0 {
		return nil, fmt.Errorf("the template of %s has no functions that osls has deployed", r.history.stack.Name)
	}
	published, err := r.functions.publish(ctx)
	if err != nil {
		return nil, err
	}
	before, err := r.functions.point(ctx, published)
	if err != nil {
		return nil, err
	}
	r.tell(before, published)
	if err := r.history.record(ctx, current, published); err != nil {
		return nil, err
	}
	kept, err := r.history.kept(ctx)
	if err != nil {
		return nil, err
	}
	return published, r.functions.prune(ctx, append(kept, published, before)...)
}

// settled fails unless the last change of the stack has ended, as a success or undone.
func (r release) settled(ctx context.Context) error {
	name := r.history.stack.Name
	status, err := r.history.stack.Status(ctx)
	switch {
	case err != nil:
		return err
	case strings.HasSuffix(status, inProgress):
		return fmt.Errorf("%s is being changed (%s): wait until that is over", name, status)
	case !strings.HasSuffix(status, "_COMPLETE"):
		return fmt.Errorf("%s is %s, which can't be updated: see its events in CloudFormation, and continue its rollback there", name, status)
	}
	return nil
}

// inProgress ends the status of a stack that CloudFormation is changing.
const inProgress = "_IN_PROGRESS"

// tell says what has become live.
func (r release) tell(before, published versions) {
	for _, name := range r.functions.names {
		if before[name] != published[name] {
			fmt.Fprintf(r.out, "version %s of %s is live\n", published[name], name)
		}
	}
}

// back makes the functions of an earlier deployment live. The error is
// [bucket.ErrNotFound] if there is no record of their versions, or no alias to point to them.
func (r release) back(ctx context.Context, to deployment) error {
	if len(r.functions.names) == 0 {
		return bucket.ErrNotFound
	}
	recorded, err := r.history.versions(ctx, to)
	if err != nil {
		return err
	}
	_, err = r.functions.point(ctx, recorded)
	return err
}

// since returns when the functions of the last deployment became live. It fails if they are
// not, and returns the zero time where there are no records.
func (r release) since(ctx context.Context) (time.Time, error) {
	if len(r.functions.names) == 0 || r.history.artifacts == nil {
		return time.Time{}, nil
	}
	current, _, err := r.history.current(ctx)
	if err != nil {
		return time.Time{}, err
	}
	record, err := r.history.artifacts.Head(ctx, current.folder+recorded)
	if errors.Is(err, bucket.ErrNotFound) {
		return time.Time{}, errors.New("the functions of the last deployment are not live yet: run presize publish")
	}
	return record.Modified, err
}
