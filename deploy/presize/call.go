package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// call is one call of a command.
type call struct {
	command
	system
	args  []string
	flags *flag.FlagSet
	stage string
	local bool
	json  bool
}

// newCall returns a call with the flags that every command has.
func newCall(command command, args []string, system system) *call {
	c := &call{command: command, system: system, args: args, flags: flag.NewFlagSet(command.name, flag.ContinueOnError)}
	c.flags.SetOutput(io.Discard) // finish says what is wrong
	c.flags.BoolVar(&c.json, "json", false, "write the result as JSON, one document a line; text goes to stderr")
	c.flags.Usage = func() {} // parse prints it where it is asked for
	return c
}

// help prints what -h asks for.
func (c *call) help() {
	summary, usage, _ := strings.Cut(c.usage, "\n")
	fmt.Fprintf(c.stdout, "presize %s: %s\n%s\nFlags:\n", c.name, summary, usage)
	c.flags.SetOutput(c.stdout)
	c.flags.PrintDefaults()
}

// localFlag adds --local, for commands that work on the local stack too.
func (c *call) localFlag() {
	c.flags.BoolVar(&c.local, "local", false, "work on the local stack, which is running")
}

// parseFlags reads the flags, which may stand before and after the arguments, and returns the
// arguments.
func (c *call) parseFlags() (arguments []string, _ error) {
	for rest := c.args; len(rest) > 0; {
		if err := c.flags.Parse(rest); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				c.help()
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if rest = c.flags.Args(); len(rest) > 0 {
			arguments, rest = append(arguments, rest[0]), rest[1:]
		}
	}
	return arguments, nil
}

// parse is parseFlags for commands that work on a deployment. It adds the flag that names it,
// and there must be as many arguments as names.
func (c *call) parse(names ...string) ([]string, error) {
	c.flags.StringVar(&c.stage, "stage", "", "the deployment's `name`, as in make deploy STAGE=name")
	arguments, err := c.parseFlags()
	if err != nil {
		return nil, err
	}
	switch {
	case len(names) == 0 && len(arguments) > 0:
		return nil, fmt.Errorf("%w: it takes flags only, and got %q", errUsage, arguments)
	case len(arguments) != len(names):
		return nil, fmt.Errorf("%w: want %s, got %d arguments", errUsage, strings.Join(names, " and "), len(arguments))
	case c.local && c.stage != "":
		return nil, fmt.Errorf("%w: --stage and --local exclude each other", errUsage)
	case !c.local && c.stage == "":
		want := "--stage"
		if c.flags.Lookup("local") != nil {
			want += " or --local"
		}
		return nil, fmt.Errorf("%w: %s is missing", errUsage, want)
	case !c.local && !stageName.MatchString(c.stage):
		return nil, fmt.Errorf("%w: the stage %q: want at most 20 lower-case letters, digits and dashes, a letter first", errUsage, c.stage)
	}
	return arguments, nil
}

// stageName is what fits in the buckets' names, which have 63 characters at most.
var stageName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,19}$`)

// text is where a command writes for people.
func (c *call) text() io.Writer {
	if c.json {
		return c.stderr
	}
	return c.stdout
}

// document writes a document if JSON is asked for.
func (c *call) document(v any) error {
	if !c.json {
		return nil
	}
	encoder := json.NewEncoder(c.stdout)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
