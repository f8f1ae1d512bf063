package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/presize/presize/deploy/presize/stack"
)

// live is the alias by which everything calls a function (deploy/template/aliases.yml).
const live = "live"

// latest is the version that is always what was deployed last.
const latest = "$LATEST"

// versions are versions of functions, by the functions' names.
type versions map[string]string

// functions are those of a stack that have the alias live.
type functions struct {
	client *lambda.Client
	names  []string
	pause  time.Duration // the longest between two looks at a function that is being changed
}

// settling bounds the wait for a function, which usually takes a second or none.
const settling = 5 * time.Minute

// findFunctions returns the functions of a stack. One that was deployed before there were
// aliases has none.
func findFunctions(ctx context.Context, s stack.Stack, client *lambda.Client) (functions, error) {
	f := functions{client: client, pause: 2 * time.Second}
	aliases, err := s.Resources(ctx, "AWS::Lambda::Alias")
	if err != nil {
		return f, err
	}
	for _, arn := range aliases { // arn:aws:lambda:REGION:ACCOUNT:function:NAME:live
		if parts := strings.Split(arn, ":"); len(parts) == 8 && parts[7] == live {
			f.names = append(f.names, parts[6])
		}
	}
	slices.Sort(f.names)
	return f, nil
}

// publish publishes a version of each function as it is deployed now, and waits until all
// of them can be called. A function that has not changed keeps the version it has.
// https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
func (f functions) publish(ctx context.Context) (versions, error) {
	published := make(versions)
	updated := lambda.NewFunctionUpdatedWaiter(f.client, func(o *lambda.FunctionUpdatedWaiterOptions) {
		o.MinDelay, o.MaxDelay = f.pause/2, f.pause
	})
	for _, name := range f.names {
		if err := updated.Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name}, settling); err != nil {
			return nil, fmt.Errorf("wait for the update of %s: %w", name, err)
		}
		out, err := f.client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &name})
		if err != nil {
			return nil, fmt.Errorf("publish a version of %s: %w", name, err)
		}
		published[name] = aws.ToString(out.Version)
	}
	active := lambda.NewPublishedVersionActiveWaiter(f.client, func(o *lambda.PublishedVersionActiveWaiterOptions) {
		o.MinDelay, o.MaxDelay = f.pause/2, f.pause
	})
	for _, name := range f.names {
		version := published[name]
		if err := active.Wait(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name, Qualifier: &version}, settling); err != nil {
			return nil, fmt.Errorf("wait for version %s of %s: %w", version, name, err)
		}
	}
	return published, nil
}

// point points the aliases to versions, one right after the other, and returns those to
// which they pointed before. It leaves out functions of which it gets no version.
func (f functions) point(ctx context.Context, to versions) (before versions, _ error) {
	before = make(versions)
	for _, name := range f.names {
		alias, err := f.client.GetAlias(ctx, &lambda.GetAliasInput{FunctionName: &name, Name: aws.String(live)})
		if err != nil {
			return nil, fmt.Errorf("look up the alias of %s: %w", name, err)
		}
		before[name] = aws.ToString(alias.FunctionVersion)
	}
	for _, name := range f.names {
		version, ok := to[name]
		if !ok {
			continue
		}
		// No version gets a share of the calls, which somebody may have given to one by hand.
		shares := &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{}}
		if _, err := f.client.UpdateAlias(ctx, &lambda.UpdateAliasInput{
			FunctionName: &name, Name: aws.String(live), FunctionVersion: &version, RoutingConfig: shares,
		}); err != nil {
			return nil, fmt.Errorf("point the alias of %s to version %s: %w", name, version, err)
		}
	}
	return before, nil
}

// prune deletes the versions that are not to be kept. One to which another alias points
// stays.
func (f functions) prune(ctx context.Context, keep ...versions) error {
	for _, name := range f.names {
		all, err := f.versions(ctx, name)
		if err != nil {
			return err
		}
		for _, version := range all {
			if version == latest || slices.ContainsFunc(keep, func(kept versions) bool { return kept[name] == version }) {
				continue
			}
			_, err := f.client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name, Qualifier: &version})
			var used *types.ResourceConflictException
			if err != nil && !errors.As(err, &used) {
				return fmt.Errorf("delete version %s of %s: %w", version, name, err)
			}
		}
	}
	return nil
}

// versions returns all versions of a function, $LATEST included.
func (f functions) versions(ctx context.Context, name string) (all []string, _ error) {
	pages := lambda.NewListVersionsByFunctionPaginator(f.client, &lambda.ListVersionsByFunctionInput{FunctionName: &name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list the versions of %s: %w", name, err)
		}
		for _, function := range page.Versions {
			all = append(all, aws.ToString(function.Version))
		}
	}
	return all, nil
}
