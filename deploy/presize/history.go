package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"strconv"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stage"
	"github.com/presize/presize/internal/bucket"
)

// history is the deployments of a stage. osls keeps the last five, each in a folder
// whose name begins with the time, in milliseconds since 1970.
type history struct {
	stack     stack.Stack
	artifacts *bucket.Bucket // osls's
	prefix    string         // of the folders
}

// deployment is one of them.
type deployment struct {
	at     int64  // milliseconds since 1970
	folder string // ends with a slash
}

const (
	// compiled is the name of the template in the folder of a deployment.
	compiled = "compiled-cloudformation-template.json"
	// recorded is the name of the record of its versions. osls deletes it with the folder.
	recorded = "versions.json"
)

// maxTemplate is the most that a template can have, in bytes.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const maxTemplate = 1 << 20

// current returns the deployment that is in force, and its template.
func (h history) current(ctx context.Context) (current deployment, template string, _ error) {
	template, err := h.stack.Template(ctx)
	if err != nil {
		return current, "", err
	}
	for _, match := range h.folder().FindAllStringSubmatch(template, -1) {
		if at := milliseconds(match[1]); at > current.at { // a layer that has not changed is in an older folder
			current = deployment{at, match[0]}
		}
	}
	return current, template, nil
}

// step returns the deployment that is in force and the one before it. One that has failed
// leaves its folder too, but no record: where earlier ones are recorded, the last of those is
// meant. It fails if the keys of the two differ.
func (h history) step(ctx context.Context) (from, to deployment, err error) {
	from, template, err := h.current(ctx)
	if err != nil {
		return from, to, err
	}
	var live deployment // the last one before it that is recorded
	for object, err := range h.artifacts.List(ctx, h.prefix) {
		if err != nil {
			return from, to, err
		}
		match := h.folder().FindStringSubmatch(object.Key)
		if match == nil {
			continue
		}
		found := deployment{milliseconds(match[1]), match[0]}
		switch {
		case found.at >= from.at:
		case object.Key == found.folder+compiled && found.at > to.at:
			to = found
		case object.Key == found.folder+recorded && found.at > live.at:
			live = found
		}
	}
	if live.at > 0 {
		to = live
	}
	if from.at == 0 || to.at == 0 {
		return from, to, errors.New("there is no deployment before the last one")
	}
	document, _, err := h.artifacts.Get(ctx, to.folder+compiled, maxTemplate)
	if err != nil {
		return from, to, err
	}
	return from, to, sameKeys(template, string(document))
}

// record writes down the versions of a deployment that are live, if that is news.
func (h history) record(ctx context.Context, d deployment, live versions) error {
	before, err := h.versions(ctx, d)
	if err != nil && !errors.Is(err, bucket.ErrNotFound) || maps.Equal(before, live) {
		return err
	}
	document, err := json.Marshal(live)
	if err != nil {
		return err
	}
	return h.artifacts.Put(ctx, bucket.Info{Key: d.folder + recorded, ContentType: "application/json"}, document)
}

// maxRecord is more than a record has, in bytes.
const maxRecord = 1 << 16

// versions returns the versions of a deployment. The error is [bucket.ErrNotFound] if it
// has never been live by its versions.
func (h history) versions(ctx context.Context, d deployment) (versions, error) {
	return h.read(ctx, d.folder+recorded)
}

func (h history) read(ctx context.Context, key string) (versions, error) {
	document, _, err := h.artifacts.Get(ctx, key, maxRecord)
	if err != nil {
		return nil, err
	}
	live := make(versions)
	if err := json.Unmarshal(document, &live); err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return live, nil
}

// kept returns the versions of all deployments that osls keeps.
func (h history) kept(ctx context.Context) (all []versions, _ error) {
	for object, err := range h.artifacts.List(ctx, h.prefix) {
		if err != nil {
			return nil, err
		}
		if path.Base(object.Key) != recorded {
			continue
		}
		live, err := h.read(ctx, object.Key)
		if err != nil {
			return nil, err
		}
		all = append(all, live)
	}
	return all, nil
}

// folder matches the folder of a deployment, and its time.
func (h history) folder() *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta(h.prefix) + `(\d+)-[^/"]*/`)
}

// milliseconds reads what a pattern has found to be digits.
func milliseconds(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64) // too many of them are no time
	return n
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
