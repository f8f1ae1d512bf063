package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stage"
	"github.com/presize/presize/internal/bucket"
)

const rollbackUsage = `go back to the deployment before the last one

  presize rollback --stage prod

It brings back the functions, their settings and the rest of the stack as they were
deployed before. Nothing is built. The buckets, what is in them and the queues stay, and
so does the page: publish it from an older checkout if it must go back too. A second
rollback goes back one more; osls keeps the last five deployments. It refuses if keys or
secrets were changed since, because the old ones are gone. The next make deploy goes
forward again.

It runs in the repository's root, with the packages in deploy/node_modules: make rollback
installs them.

IAM actions: what osls needs to update the stack; cloudformation:DescribeStacks and
cloudformation:GetTemplate; s3:ListBucket and s3:GetObject on osls's bucket.
`

// rolledBack is what a rollback has done.
type rolledBack struct {
	Stack string    `json:"stack"`
	From  time.Time `json:"from"` // when the deployment was made that is left
	To    time.Time `json:"to"`
}

func runRollback(ctx context.Context, c *call) error {
	if _, err := c.parse(); err != nil {
		return err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	s := stack.Stack{Client: cloudformation.NewFromConfig(account), Name: stack.Name(c.stage)}
	outputs, err := s.Outputs(ctx)
	if err != nil {
		return err
	}
	h := history{stack: s, artifacts: bucket.New(s3.NewFromConfig(account), outputs["ServerlessDeploymentBucketName"]), prefix: "serverless/presize/" + c.stage + "/"}
	from, to, err := h.step(ctx)
	if err != nil {
		return fmt.Errorf("can't roll back: %w", err)
	}
	done := rolledBack{Stack: s.Name, From: time.UnixMilli(from).UTC(), To: time.UnixMilli(to).UTC()}
	fmt.Fprintf(c.text(), "%s goes back from the deployment of %s to that of %s\n", s.Name, done.From.Format(time.RFC3339), done.To.Format(time.RFC3339))
	cmd := exec.CommandContext(ctx, osls, "rollback", "--timestamp", strconv.FormatInt(to, 10), "--stage", c.stage, "--region", account.Region)
	cmd.Stdout, cmd.Stderr = c.text(), c.stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("osls rollback: %w", err)
	}
	return c.document(done)
}

// history is the deployments of a stage. osls keeps each in a folder whose name begins
// with the time, in milliseconds since 1970.
type history struct {
	stack     stack.Stack
	artifacts *bucket.Bucket // osls's
	prefix    string         // of the folders
}

// compiled is the name of the template in the folder of a deployment.
const compiled = "compiled-cloudformation-template.json"

// maxTemplate is the most that a template can have, in bytes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const maxTemplate = 1 << 20

// step returns the times of the deployment that is in force and of the one before it.
func (h history) step(ctx context.Context) (from, to int64, err error) {
	template, err := h.stack.Template(ctx)
	if err != nil {
		return 0, 0, err
	}
	folder := regexp.MustCompile(regexp.QuoteMeta(h.prefix) + `(\d+)-[^/"]*/`)
	newest := int64(0)
	for _, match := range folder.FindAllStringSubmatch(template, -1) {
		newest = max(newest, milliseconds(match[1])) // a layer that has not changed is in an older folder
	}
	before, key := int64(0), ""
	for object, err := range h.artifacts.List(ctx, h.prefix) {
		if err != nil {
			return 0, 0, err
		}
		match := folder.FindStringSubmatch(object.Key)
		if match == nil || object.Key != match[0]+compiled {
			continue
		}
		if at := milliseconds(match[1]); at < newest && at > before {
			before, key = at, object.Key
		}
	}
	if newest == 0 || before == 0 {
		return 0, 0, errors.New("there is no deployment before the last one")
	}
	document, _, err := h.artifacts.Get(ctx, key, maxTemplate)
	if err != nil {
		return 0, 0, err
	}
	return newest, before, sameKeys(template, string(document))
}

// sameKeys fails unless two templates have the same keys and secrets, of which SSM has
// only those of now.
func sameKeys(now, before string) error {
	type template struct {
		Metadata struct {
			Presize struct{ Parameters map[string]any }
		}
	}
	var a, b template
	if err := errors.Join(json.Unmarshal([]byte(now), &a), json.Unmarshal([]byte(before), &b)); err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	for _, name := range stage.Computed {
		if name == "originVersion" { // SSM has older versions, and digests tell secrets apart
			continue
		}
		if a.Metadata.Presize.Parameters[name] != b.Metadata.Presize.Parameters[name] {
			return fmt.Errorf("%s has changed since the deployment before: deploy an older checkout instead", name)
		}
	}
	return nil
}

// milliseconds reads what a pattern has found to be digits.
func milliseconds(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64) // too many of them are no time
	return n
}
