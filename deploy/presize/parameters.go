package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/presize/presize/deploy/presize/stack"
	"github.com/presize/presize/deploy/presize/stage"
)

const parametersUsage = `print the parameters of a stage for osls

  presize parameters --stage prod
  presize parameters --stage prod --param domain=images.example.com

It prints the parameters that deploy/stages/STAGE.yml or a --param sets, one a line, as
arguments for osls. --param wins. make deploy runs it. With --json, it is one document.

Where workerConcurrency or heldAnswers is not set, it chooses them by the account's limit
of concurrent executions: the worker gets half of what is not reserved, and below 100 no
answer is held. The parameter chosen says which ones it has chosen.

IAM actions: lambda:GetAccountSettings.
`

func runParameters(ctx context.Context, c *call) error {
	overrides := c.parameterFlag()
	if _, err := c.parse(); err != nil {
		return err
	}
	parameters, err := stage.Read(c.checkout, c.stage, *overrides)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(stage.Chosen, func(name string) bool { return parameters.Set[name] == "" }) {
		limit, err := accountLimit(ctx)
		if err != nil {
			return err
		}
		parameters.Choose(capacity(limit))
	}
	if c.json {
		return c.document(parameters.Set)
	}
	for _, argument := range parameters.Arguments() {
		fmt.Fprintln(c.stdout, argument)
	}
	return nil
}

// parameterFlag adds --param, which may stand several times.
func (c *call) parameterFlag() *[]string {
	overrides := new([]string)
	c.flags.Func("param", "set a parameter for this call only: `name=value`", func(value string) error {
		*overrides = append(*overrides, value)
		return nil
	})
	return overrides
}

// checkParameters compares the parameters of a stage with each other and with what is
// deployed. Where buckets are kept from an earlier deployment, it compares with that one
// too. It returns what the operator should know.
func checkParameters(ctx context.Context, s stack.Stack, c *call, overrides []string, d destination, kept []string) (warnings []string, err error) {
	parameters, err := stage.Read(c.checkout, c.stage, overrides)
	if err != nil {
		return nil, fmt.Errorf("wrong parameters\n%w", err)
	}
	wrong := parameters.Check(d.Account, d.Region)
	warnings = parameters.Warnings()
	var deployed stack.Record
	if len(kept) == 0 {
		deployed, err = s.Record(ctx)
	} else {
		deployed, err = s.LastRecord(ctx)
	}
	if err != nil && !errors.Is(err, stack.ErrNone) {
		return nil, err
	}
	if len(kept) > 0 && len(deployed.Parameters) == 0 {
		warnings = append(warnings, "CloudFormation does not remember the deployment that "+strings.Join(kept, ", ")+" are from: "+
			"nothing is compared with its parameters. Without jwtIssuer and allowedOrigins, what is in the buckets is under an open service")
	}
	if dropped := parameters.Dropped(deployed.Parameters, deployed.Defaults); len(dropped) > 0 {
		wrong = append(wrong, fmt.Sprintf("%s does not set what the stage is deployed with, or was before it was removed, and it would fall back to the defaults. "+
			"Add these lines, or give a parameter an empty value to give it up:\n  %s", parameters.File, strings.Join(dropped, "\n  ")))
	}
	if len(wrong) > 0 {
		return warnings, errors.New("the parameters contradict each other or the deployed stage\n" + strings.Join(wrong, "\n"))
	}
	return warnings, nil
}
